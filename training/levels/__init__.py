"""How often each vertebra shows what: level models are counted on whole synthetic scans, and compared with truth."""
