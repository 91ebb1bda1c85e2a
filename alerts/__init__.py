"""What we believe about stays, who should be told of them and when; pure but for the store."""
