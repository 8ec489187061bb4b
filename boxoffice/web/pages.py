"""Every page, for the composition root."""

from litestar.types import ControllerRouterHandler

from boxoffice.edge import module_files
from boxoffice.web import dev_mailbox, static
from boxoffice.web.account import my_tickets, service_worker, sign_in, ticket, ticket_pdf, wallet
from boxoffice.web.door import installed, scanner
from boxoffice.web.guests import guest_list
from boxoffice.web.organiser import door, nights
from boxoffice.web.storefront import artist, checkout, event, order, picture, programme, sitemap, success, venue

PAGES: list[ControllerRouterHandler] = [
    static.static_file,
    module_files.show_module,
    programme.show_programme,
    programme.show_past,
    event.show_event,
    event.show_poster,
    picture.show_picture,
    picture.show_site_picture,
    artist.show_artist_page,
    venue.show_venue_page,
    sitemap.show_sitemap,
    sitemap.show_robots,
    checkout.show_checkout,
    checkout.place_order,
    order.show_order_page,
    order.release_order,
    success.show_success,
    my_tickets.show_my_tickets,
    sign_in.back_to_tickets,
    sign_in.ask_for_code,
    sign_in.sign_in_by_code,
    sign_in.show_link,
    sign_in.sign_in_by_link,
    sign_in.sign_out,
    service_worker.service_worker,
    service_worker.show_offline,
    ticket.show_ticket,
    ticket.show_calendar,
    ticket.show_tickets_for_print,
    ticket_pdf.show_ticket_pdf,
    ticket_pdf.show_tickets_pdf,
    wallet.show_apple_pass,
    wallet.show_apple_passes,
    wallet.save_to_google,
    wallet.save_order_to_google,
    installed.door_service_worker,
    installed.door_manifest,
    scanner.show_pairing,
    scanner.pair_phone,
    scanner.show_scanner,
    guest_list.show_guest_list,
    guest_list.put_on_list,
    guest_list.take_off_list,
    nights.show_nights,
    door.show_door,
    door.show_entries,
    door.make_scanner,
    door.revoke_scanner,
    door.unlock_scanner,
    door.renew_list_link,
    dev_mailbox.show_mailbox,
    dev_mailbox.show_message,
    dev_mailbox.show_message_html,
]
