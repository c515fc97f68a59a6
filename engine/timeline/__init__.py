"""The history: what was heard, on disk before it is called final.

Tables and their versions in `schema`, the file in `store`, the thread in `writer`, what others read
in `history`.
"""
