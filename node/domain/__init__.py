"""The language that everyone in OsteoNode speaks: pure types and rules, standard library and numpy only."""
