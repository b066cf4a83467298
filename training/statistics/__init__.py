"""Figures that say how sure they are, or why there is none. Arrays in, frozen values out; nothing here knows bones."""
