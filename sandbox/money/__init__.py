"""What moves money: test cards and bank accounts, payments and their challenges, the books, refunds, disputes and payouts."""
