-- What staff did about what was found of payments.

-- The refund by which the customer gets the money after all; one at a time.
ALTER TABLE payment_findings ADD COLUMN refund_id uuid;

-- Who said that it is dealt with, as account:0193…; empty: nobody did.
ALTER TABLE payment_findings ADD COLUMN settled_by text;

-- How, in the words of staff for staff.
ALTER TABLE payment_findings ADD COLUMN note text;
