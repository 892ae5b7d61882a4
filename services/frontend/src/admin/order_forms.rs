//! The forms on an order's page: what they ask for and how it is read.

use techcommerce_contracts::order_api::{
    CancelInput, NoteInput, Order, OrderAction, OrderLine, RefundInput, ShipmentInput, ShipmentLine,
};
use techcommerce_kernel::Money;

use super::{
    Desk,
    form::{Field, Form, Kind},
    order::may,
};
use crate::{forms::Sent, money};

/// Something that is done with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Ship,
    Refund,
    Cancel,
    Pay,
    Note,
}

/// The forms of an order's page: of what may be done now.
#[derive(Debug)]
pub struct Forms {
    pub ship: Option<Form>,
    pub refund: Option<Form>,
    pub cancel: Option<Form>,
    pub pay: Option<Form>,
    pub note: Form,
    /// Lines of which something is not shipped, for the form of shipments.
    pub open: Vec<Counted>,
    /// All lines, for what a refund puts back into stock.
    pub sold: Vec<Counted>,
}

/// A line of which some are counted out in a form.
#[derive(Debug)]
pub struct Counted {
    /// The field's name.
    pub field: String,
    /// What it is.
    pub title: String,
    /// Which one.
    pub variant: String,
    /// Its SKU; may be empty.
    pub sku: String,
    /// At most so many.
    pub most: i64,
}

impl Forms {
    /// The forms as they are at first.
    pub fn fresh(desk: &Desk, order: &Order) -> Self {
        let can = |action| may(order, action);
        let open = |line: &OrderLine| line.quantity - line.shipped;
        Self {
            ship: can(OrderAction::Ship).then(|| ship(desk, order)),
            refund: can(OrderAction::Refund).then(|| refund(desk, order)),
            cancel: can(OrderAction::Cancel).then(|| cancel(desk)),
            pay: can(OrderAction::MarkPaid).then(|| desk.form_once()),
            note: note(desk),
            open: counted(order, "quantity", open),
            sold: counted(order, "restock", |line| line.quantity),
        }
    }

    /// Puts a form that came back in the place of the fresh one.
    pub fn put(&mut self, step: Step, form: Form) {
        match step {
            Step::Ship => self.ship = Some(form),
            Step::Refund => self.refund = Some(form),
            Step::Cancel => self.cancel = Some(form),
            Step::Pay => self.pay = Some(form),
            Step::Note => self.note = form,
        }
    }
}

/// What a line is called, with its variant.
pub fn name_of(line: &OrderLine) -> String {
    match line.variant_title.as_str() {
        "" => line.title.clone(),
        variant => format!("{} ({variant})", line.title),
    }
}

fn counted(order: &Order, what: &str, most: impl Fn(&OrderLine) -> i64) -> Vec<Counted> {
    let row = |line: &OrderLine| Counted {
        field: format!("{what}-{}", line.id),
        title: line.title.clone(),
        variant: line.variant_title.clone(),
        sku: line.sku.clone().unwrap_or_default(),
        most: most(line),
    };
    let rows = order.lines.iter().map(row);
    rows.filter(|row| row.most > 0).collect()
}

/// A number for each line, called after it.
fn counts(desk: &Desk, order: &Order, what: &str, key: &str) -> Vec<Field> {
    let field = |line: &OrderLine| {
        let name = format!("{what}-{}", line.id);
        let label = desk.texts().with(key, name_of(line));
        let open = line.quantity - line.shipped;
        let value = if what == "quantity" { open } else { 0 };
        Field::text(name, label)
            .kind(Kind::Input("number"))
            .keyboard("numeric")
            .optional()
            .value(value.to_string())
    };
    order.lines.iter().map(field).collect()
}

/// The numbers of a form for lines. No more than were ordered: what is left of them the API knows.
fn read_counts(
    desk: &Desk,
    order: &Order,
    what: &str,
    form: &mut Form,
    sent: &Sent,
) -> Vec<ShipmentLine> {
    let mut lines = Vec::new();
    for line in &order.lines {
        let name = format!("{what}-{}", line.id);
        let quantity = match sent.text(&name) {
            "" => Some(0),
            text => text
                .parse()
                .ok()
                .filter(|count| (0..=line.quantity).contains(count)),
        };
        match quantity {
            Some(0) => {}
            Some(quantity) => lines.push(ShipmentLine {
                line_id: line.id,
                quantity,
            }),
            None => form.wrong(&name, &desk.texts().with("orders.at_most", line.quantity)),
        }
    }
    lines
}

fn ship(desk: &Desk, order: &Order) -> Form {
    let field = |name: &str, key: &str| Field::text(name, desk.t(key)).optional().max(100);
    let mut form = desk
        .form_once()
        .with(field("carrier", "orders.carrier"))
        .with(field("tracking_number", "orders.tracking"));
    for count in counts(desk, order, "quantity", "orders.send_of") {
        form = form.with(count);
    }
    form
}

/// The form of a shipment as it was sent, and what it asks for if nothing is wrong with it.
pub fn read_ship(desk: &Desk, order: &Order, sent: &Sent) -> (Form, Option<ShipmentInput>) {
    let mut form = ship(desk, order).filled(sent);
    form.check();
    let lines = read_counts(desk, order, "quantity", &mut form, sent);
    if lines.is_empty() && form.problems.is_empty() {
        form.wrong("", desk.t("orders.send_nothing"));
    }
    let text = |name| Some(sent.text(name).to_owned()).filter(|text| !text.is_empty());
    let input = form.problems.is_empty().then(|| ShipmentInput {
        lines: Some(lines),
        tracking_number: text("tracking_number"),
        carrier: text("carrier"),
    });
    (form, input)
}

fn refund(desk: &Desk, order: &Order) -> Form {
    let left = order.staff.as_ref().map(|staff| staff.refundable);
    let amount = left.map(|left| decimal(left, desk.texts().language()));
    let mut form = desk
        .form_once()
        .with(
            Field::text(
                "amount",
                desk.texts()
                    .with("orders.refund_amount", order.total.currency.code()),
            )
            .keyboard("decimal")
            .max(20)
            .path("amount.amount")
            .value(amount.unwrap_or_default()),
        )
        .with(
            Field::text("reason", desk.t("orders.reason"))
                .id("refund-reason")
                .hint(desk.t("orders.for_staff")),
        )
        .with(message(desk, "refund-message"));
    for count in counts(desk, order, "restock", "orders.restock_of") {
        form = form.with(count);
    }
    form
}

fn message(desk: &Desk, id: &str) -> Field {
    Field::text("message", desk.t("orders.message"))
        .id(id)
        .hint(desk.t("orders.for_customer"))
        .kind(Kind::Area(2))
        .max(500)
        .optional()
}

/// The form of a refund as it was sent, and what it asks for if nothing is wrong with it.
pub fn read_refund(desk: &Desk, order: &Order, sent: &Sent) -> (Form, Option<RefundInput>) {
    let mut form = refund(desk, order).filled(sent);
    form.check();
    let currency = order.total.currency;
    let amount = money::from_form(sent.text("amount"), currency).filter(|amount| *amount > 0);
    if amount.is_none() {
        form.wrong("amount", desk.t("orders.bad_amount"));
    }
    let restock = read_counts(desk, order, "restock", &mut form, sent);
    let input = amount
        .filter(|_| form.problems.is_empty())
        .map(|amount| RefundInput {
            amount: Some(Money::new(amount, currency)),
            reason: sent.text("reason").to_owned(),
            message: sent.text("message").to_owned(),
            restock,
        });
    (form, input)
}

fn cancel(desk: &Desk) -> Form {
    desk.form_once()
        .with(
            Field::text("reason", desk.t("orders.reason"))
                .id("cancel-reason")
                .hint(desk.t("orders.for_staff"))
                .optional(),
        )
        .with(message(desk, "cancel-message"))
}

/// The form of a cancellation as it was sent, and what it asks for if nothing is wrong with it.
pub fn read_cancel(desk: &Desk, sent: &Sent) -> (Form, Option<CancelInput>) {
    let mut form = cancel(desk).filled(sent);
    let input = form.check().then(|| CancelInput {
        reason: sent.text("reason").to_owned(),
        message: sent.text("message").to_owned(),
    });
    (form, input)
}

fn note(desk: &Desk) -> Form {
    let text = Field::text("text", desk.t("orders.note"))
        .kind(Kind::Area(2))
        .max(2000);
    desk.form_once().with(text)
}

/// The form of a note as it was sent, and what it asks for if nothing is wrong with it.
pub fn read_note(desk: &Desk, sent: &Sent) -> (Form, Option<NoteInput>) {
    let mut form = note(desk).filled(sent);
    let input = form.check().then(|| NoteInput {
        text: sent.text("text").to_owned(),
    });
    (form, input)
}

/// An amount as a form field shows it.
pub fn decimal(money: Money, language: &str) -> String {
    let text = money.to_decimal();
    if language == "de" {
        text.replace('.', ",")
    } else {
        text
    }
}
