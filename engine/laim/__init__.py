"""Audio-Interaction (arXiv 2606.05121): one model that decides every 0.4 s whether to speak.

Shape letters: B batch rows (lanes), T positions of one forward pass, D width, H query heads, G
key/value heads, C width of a head, F width of the feed-forward, V vocabulary, N outputs and K
inputs of a matrix, S cache slots, P positions of a slot, L layers.
"""
