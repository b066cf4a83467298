"""A stand-in for TotalSegmentator 2: reads structures that a test has painted into the image."""
