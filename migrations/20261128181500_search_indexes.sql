-- migrate:up

-- New words went to a list beside the index first, and until a vacuum came by every search read that list from end to
-- end: comparing letters with all words took thirty times as long. Nights change rarely; they write the index at once.
ALTER INDEX search_word_trigrams SET (fastupdate = off);
ALTER INDEX event_search_words SET (fastupdate = off);
SELECT gin_clean_pending_list('search_word_trigrams'), gin_clean_pending_list('event_search_words');

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
