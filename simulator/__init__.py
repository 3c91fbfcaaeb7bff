"""Stands for the world outside: mailbox providers, their DNS, the people who read and robots that scan.

For development and tests only. It listens on loopback and calls nothing but loopback.
"""
