"""Compute every number again from all uploads, as simply as the rules allow, without code of the product.

statements: the rows of documents. cells: days and times. judgement: what a row means. knowledge: which row of several
applies. counted_rows: one row for everything that counts into a metric. figures: sums of counted rows over a window,
and targets.
"""
