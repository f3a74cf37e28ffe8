"""What differs between two texts, trees or header lists. Pure: bytes and values in, changes out.

`reading` turns bytes into a tree where they are JSON or XML, `trees` compares trees, `lines` compares text, `volatile`
says which changes come of sending twice and mean nothing. What is compared and shown is bounded, and says so."""
