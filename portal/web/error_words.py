"""What error pages say: what happened, what was not done, and what to do next. Pure text."""

#: Title and sentence per status.
BY_STATUS = {
    400: ("This request was not understood", "Nothing was changed. Go back, reload the page and try again."),
    401: ("Please log in", "You have to be logged in to see this page. Nothing was changed."),
    403: (
        "This page is not for your account",
        "It is reserved for administrators. Nothing was changed. If you need it, ask one of them.",
    ),
    404: (
        "There is nothing here",
        "The page does not exist, or it is not yours to see. Nothing was changed.",
    ),
    405: ("This address does not work that way", "Nothing was changed. Use the button on the page instead."),
    409: ("This is no longer possible", "Nothing was changed."),
    413: (
        "That was too much at once",
        "The request was larger than 1 MB and was not read. Nothing was changed. Go back and send less.",
    ),
    422: ("The input was refused", "Nothing was stored. Go back, correct it and send it again."),
    429: ("Too many attempts", "Nothing was done this time. Wait a few minutes, then try again."),
    500: (
        "Something broke on our side",
        "It was written to the log. Check whether what you asked for was done before you ask again.",
    ),
    503: (
        "Portico cannot answer right now",
        "Check whether what you asked for was done. Then try again in a minute.",
    ),
}
ANY = ("That did not work", "Nothing was changed.")
#: While the database or Redis is away: after reading, and after something was sent.
AWAY_READING = "{} does not answer, so this page cannot be shown. Nothing was changed. Try again in a minute."
AWAY_SENDING = (
    "{} does not answer. As far as we know nothing was changed. Try again in a minute, and look first whether"
    " what you asked for was done."
)
ORDERS_STAY = "Orders and stops that rest at the exchanges stay there."
TOO_OLD = "This form was too old"
EARLIER = "Nothing was changed. The page was opened in an earlier session, or before you logged in again."
KEPT = "What you typed is kept for 15 minutes and comes back in the form{}: look it over, then send it again."
CLEANED = "What you typed comes back in the form, without that character: look it over, then send it again."
NOT_KEPT = (
    "Open the page again and do it once more. What you had typed may still be behind your browser's Back."
)
FOREIGN_TITLE = "This form was not taken"
FOREIGN = (
    "Nothing was changed. The form did not come from a page of this portal, or your browser does not say so."
    " Nothing of it was kept."
)
