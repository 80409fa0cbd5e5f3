"""What moves money: test cards, payments and their challenges, the books, disputes and payouts."""
