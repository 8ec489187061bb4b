-- migrate:up

-- Which tickets an entry list takes, whatever their status.
CREATE VIEW list_ticket AS
SELECT entry_list.event_id, entry_list.id AS list_id, ticket.id AS ticket_id
FROM entry_list JOIN ticket ON ticket.event_id = entry_list.event_id
WHERE NOT EXISTS (SELECT FROM entry_list_type AS takes
    WHERE takes.event_id = entry_list.event_id AND takes.list_id = entry_list.id)
  OR EXISTS (SELECT FROM entry_list_type AS takes WHERE takes.event_id = entry_list.event_id
    AND takes.list_id = entry_list.id AND takes.ticket_type_id = ticket.ticket_type_id);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
