"""Two stories: the life of a request (`serve`), and the life of a configuration change (`reload`).

The rooms below know nothing of each other; what one needs from another is carried across here, as a value.
"""
