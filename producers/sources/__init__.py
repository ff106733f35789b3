"""Sources: the games that can be read, live or from a recording, and the lap simulator.

Reads: datagrams (F1, Gran Turismo 7, Assetto Corsa) and iRacing's variables.
Writes: nothing; yields the observations of `producers.source`, one session after the other.
Guarantees: decoders have no sockets and no clock, and the same input with the same times gives the
same observations. Foreign bytes never raise.
Does not guarantee: a channel that the game does not send; it is absent, never guessed.
"""
