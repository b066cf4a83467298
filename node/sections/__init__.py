"""The sections of the settings, by what they are about. The whole is in `node.settings`."""
