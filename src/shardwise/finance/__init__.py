"""The trading platform on shardwise: accounts, ledger, portfolios, signals, chat, notifications.

Uses only the engine's public names. Import what you need from the rooms below; nothing is loaded here.
"""
