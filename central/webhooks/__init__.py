"""Back to the site: what happened in the shop, told by signed webhooks and to whoever asks."""
