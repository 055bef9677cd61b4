"""What has to be written, decided without writing."""
