"""Every request and every change, kept: first in a journal on disk, from there in a database.

record   what a row says
journal  one line a row, written before the answer ends; survives a kill at any point
ship     carries the journal into a database, in batches, again and again until it took them
sqlite, postgres   the databases
ledger   all of it together, for everybody else
"""
