"""What a source brought in a month, from its report to the result that people see."""
