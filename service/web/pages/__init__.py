"""Every page, in the order of the menu."""

from service.web.pages import centre, coordinator, journal, message, signin, ward

PAGES = (
    signin.router,
    ward.router,
    centre.router,
    coordinator.router,
    journal.router,
    message.router,
)
