"""What pages and façade read: the viewer comes first, and what they may not see is not there."""
