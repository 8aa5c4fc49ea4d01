"""The colours of the types of detectors: one palette for page, figures and terminal.

Blue, vermilion and reddish purple of Okabe and Ito, and grey; on dark paper lighter ones of the
same hues. A test checks that readers with any of the three colour blindnesses can distinguish them;
each type also has its own marker. A terminal has the nearest colours of its own.
"""

LIGHT = {"deep": "#0072b2", "shallow": "#d55e00", "hybrid": "#cc79a7", "control": "#4d4d4d"}
DARK = {"deep": "#4aa3df", "shallow": "#f2913d", "hybrid": "#e6a3d0", "control": "#8a9299"}
TERMINAL = {"deep": "bright_blue", "shallow": "yellow", "hybrid": "magenta", "control": "dim"}
