"""Windows guests from the user's own media: what is on them, what is answered to Setup, how it is watched.

Nothing of Windows is in the repository and nothing is downloaded: the ISO, the virtio-win media and updates
are files that the user has. Public facts only: component and setting names, build numbers, Microsoft's
published client set-up keys.
"""
