"""The store's enrolment page: consent, who, three poses, done - and withdrawal. Off unless configured.

`desk` decides, `server` speaks HTTP, `guide` leads through the poses. Photographs stay in memory and are wiped.
"""
