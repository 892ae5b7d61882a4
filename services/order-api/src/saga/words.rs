//! The words of the mails, language by language.

use techcommerce_kernel::Money;

use crate::locale::Locale;

/// The words of one language. `{}` stands for what is put in.
pub(super) struct Words {
    /// The language, for the mail's HTML.
    pub language: &'static str,
    /// With the recipient's name.
    pub greeting: &'static str,
    /// Without a name.
    pub greeting_nobody: &'static str,
    /// Subjects, with the order's number.
    pub confirmed: &'static str,
    pub failed: &'static str,
    pub cancelled: &'static str,
    pub paid: &'static str,
    pub shipped: &'static str,
    pub refunded: &'static str,
    /// Paragraphs.
    pub thanks: &'static str,
    pub pay_invoice: &'static str,
    pub pay_provider: &'static str,
    pub sold_out: &'static str,
    pub declined: &'static str,
    pub was_cancelled: &'static str,
    /// With the amount.
    pub was_paid: &'static str,
    pub on_its_way: &'static str,
    /// With the carrier and the number.
    pub tracking: &'static str,
    pub the_carrier: &'static str,
    /// With the amount.
    pub paid_back: &'static str,
    /// Rows of the table.
    pub discount: &'static str,
    pub shipping: &'static str,
    pub tax_included: &'static str,
    pub tax: &'static str,
    pub total: &'static str,
    /// The link to the order, in plain text and in HTML.
    pub your_order: &'static str,
    pub see_order: &'static str,
}

const EN: Words = Words {
    language: "en",
    greeting: "Hello {},",
    greeting_nobody: "Hello,",
    confirmed: "Your order {}",
    failed: "Your order {} could not be completed",
    cancelled: "Your order {} was cancelled",
    paid: "We have received your payment for order {}",
    shipped: "Your order {} is on its way",
    refunded: "We have paid back for your order {}",
    thanks: "Thank you for your order. This is what we have noted down:",
    pay_invoice: "You pay by invoice. We pack your order now and wait for your transfer.",
    pay_provider: "As soon as your payment is confirmed, we pack it.",
    sold_out: "Something that you ordered was sold out before your payment was confirmed. You were not charged.",
    declined: "Your payment was declined, so we have cancelled the order. You were not charged. Your cart is still there if you want to try another way to pay.",
    was_cancelled: "Your order was cancelled. What you have paid is paid back.",
    was_paid: "We have received your payment of {}. Thank you. You will hear from us when your order leaves the house.",
    on_its_way: "Your order is on its way.",
    tracking: "Tracking number with {}: {}",
    the_carrier: "the carrier",
    paid_back: "So far we have paid back {}.",
    discount: "Discount",
    shipping: "Shipping",
    tax_included: "Tax included",
    tax: "Tax",
    total: "Total",
    your_order: "Your order",
    see_order: "See your order",
};

const DE: Words = Words {
    language: "de",
    greeting: "Hallo {},",
    greeting_nobody: "Hallo,",
    confirmed: "Ihre Bestellung {}",
    failed: "Ihre Bestellung {} konnte nicht abgeschlossen werden",
    cancelled: "Ihre Bestellung {} wurde storniert",
    paid: "Ihre Zahlung zur Bestellung {} ist da",
    shipped: "Ihre Bestellung {} ist unterwegs",
    refunded: "Erstattung zu Ihrer Bestellung {}",
    thanks: "Vielen Dank für Ihre Bestellung. Das haben wir notiert:",
    pay_invoice: "Sie zahlen auf Rechnung. Wir packen Ihre Bestellung jetzt und erwarten Ihre Überweisung.",
    pay_provider: "Sobald Ihre Zahlung bestätigt ist, packen wir sie.",
    sold_out: "Etwas aus Ihrer Bestellung war ausverkauft, bevor Ihre Zahlung bestätigt wurde. Es wurde nichts abgebucht.",
    declined: "Ihre Zahlung wurde abgelehnt, deshalb haben wir die Bestellung storniert. Es wurde nichts abgebucht. Ihr Warenkorb ist noch da, falls Sie anders zahlen möchten.",
    was_cancelled: "Ihre Bestellung wurde storniert. Was Sie bezahlt haben, wird erstattet.",
    was_paid: "Wir haben Ihre Zahlung von {} erhalten. Vielen Dank. Sie hören von uns, wenn Ihre Bestellung das Haus verlässt.",
    on_its_way: "Ihre Bestellung ist unterwegs.",
    tracking: "Sendungsnummer bei {}: {}",
    the_carrier: "dem Versender",
    paid_back: "Bisher haben wir {} erstattet.",
    discount: "Rabatt",
    shipping: "Versand",
    tax_included: "Enthaltene Steuer",
    tax: "Steuer",
    total: "Gesamt",
    your_order: "Ihre Bestellung",
    see_order: "Bestellung ansehen",
};

impl Words {
    /// The words of a language.
    pub fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &EN,
            Locale::De => &DE,
        }
    }

    /// An amount as it is written in the language.
    pub fn money(&self, money: Money) -> String {
        match self.language {
            "de" => format!(
                "{} {}",
                money.to_decimal().replace('.', ","),
                money.currency
            ),
            _ => money.to_string(),
        }
    }
}

/// The text with each `{}` replaced by the next of `parts`, which may hold anything.
pub(super) fn fill(text: &str, parts: &[&str]) -> String {
    let mut parts = parts.iter();
    let mut filled = String::with_capacity(text.len());
    for (index, piece) in text.split("{}").enumerate() {
        if index > 0 {
            filled.push_str(parts.next().copied().unwrap_or_default());
        }
        filled.push_str(piece);
    }
    filled
}

#[cfg(test)]
mod tests {
    use techcommerce_kernel::Currency;

    use super::*;

    #[test]
    fn what_is_put_in_is_not_looked_into() {
        assert_eq!(fill("a {} b {}", &["{}", "c"]), "a {} b c");
        assert_eq!(fill("{}", &[]), "");
    }

    #[test]
    fn amounts_are_written_as_people_do() {
        let money = Money::new(-1999, Currency::EUR);
        assert_eq!(EN.money(money), "-19.99 EUR");
        assert_eq!(DE.money(money), "-19,99 EUR");
    }
}
