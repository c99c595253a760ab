"""The numbers once more, as plainly as their rules can be said: every upload is kept, and every answer is
counted anew from all of them. It shares nothing with the product.

statements: what documents say. cells: days and moments. judging: what a statement means. knowledge: which
statement is right. lines: one line of a spreadsheet for everything that counts into a metric. figures: sums
of lines over a window, and targets.
"""
