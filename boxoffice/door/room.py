"""How many people the room of a night takes."""

ROOM_PLACES = """
(SELECT sum(cap)::integer FROM stock WHERE event_id = $1 AND id IN (
    SELECT room_stock_id FROM ticket_type WHERE event_id = $1))
  + (SELECT coalesce(sum(cap), 0)::integer FROM guest_list
    JOIN release ON release.event_id = guest_list.event_id AND release.ticket_type_id = guest_list.id
    JOIN stock ON stock.event_id = release.event_id AND stock.id = release.stock_id
    WHERE guest_list.event_id = $1)
"""
"""Places of the room and of guest lists, of the night `$1`; null where no room has a capacity."""
