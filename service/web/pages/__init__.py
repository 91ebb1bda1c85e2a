"""Every page, one file each; PAGES is what the app serves."""

from service.web.pages import centre, coordinator, journal, message, signin, ward

PAGES = (
    signin.router,
    ward.router,
    centre.router,
    coordinator.router,
    journal.router,
    message.router,
)
