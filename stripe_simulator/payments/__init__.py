"""What happens to money: a card is tried, a payment settles, is captured, refunded, disputed."""
