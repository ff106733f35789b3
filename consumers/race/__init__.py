"""Know the race: when it ends for the driver, and the number to type at the stop.

Reads: where the cars are and how fast they lap, and the fuel of the driver's laps.
Writes: nothing yet; its modules are pure, and no service runs them.
Guarantees: a race of any rule ends with the first own crossing of the line at or after the leader's
flag. Numbers to type are rounded up, and on a knife's edge the larger one is to be typed.
Does not guarantee: a safety car that is not out yet, and a leader's stop that nobody knows of.
"""
