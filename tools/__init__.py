"""What the noxfile does, in modules that can be read and tested on their own."""
