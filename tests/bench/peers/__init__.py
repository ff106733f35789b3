"""What others would write for the same task, each as a process of its own.

They take a msgpack array a frame (sequence, then 80 channels) and write a wide table. They run in
an environment of their own and import nothing of PitBox.
"""
