"""Other implementations of the same task, each a separate process.

They read one msgpack array per frame (sequence, then 80 channels) and write a wide table. They run
in a separate environment and import nothing of PitBox.
"""
