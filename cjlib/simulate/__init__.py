"""The seeded generator of the shipped study: an invented retailer whose truth is known.

``write_study`` writes every file of data/sepidar; ``truth`` tells what no file tells: who
belongs to which persona, who answered carelessly, and which effects were planted. The truth is
for tests and teaching and never an input of an analysis.
"""

from cjlib.simulate.files import truth, truth_tables, write_study

__all__ = ["truth", "truth_tables", "write_study"]
