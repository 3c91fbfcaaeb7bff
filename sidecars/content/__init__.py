"""What mails are made from: layouts, templates, pictures."""
