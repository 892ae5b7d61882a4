//! What surrounds every page for staff: header, navigation, messages.

use std::{fmt::Display, sync::Arc};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::{Role, auth::Account};
use techcommerce_kernel::{Money, Timestamp};

use super::parts::When;
use crate::{
    assets::Assets,
    i18n::Texts,
    money,
    page::{LanguageChoice, Note, language_choices, private},
    settings::Settings,
    shop::Shop,
    visitor::Visitor,
};

/// A part of the admin, as the navigation has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Overview,
    Orders,
    Payments,
    Customers,
    Discounts,
    Products,
    Categories,
    Stock,
    Import,
    ApiKeys,
    Webhooks,
    Audit,
    Jobs,
    System,
    /// In none of them.
    Nowhere,
}

/// A section's key of the locales, its address and its drawing on 20 × 20.
const fn about(section: Section) -> (&'static str, &'static str, &'static str) {
    match section {
        Section::Overview => (
            "desk.overview",
            "/admin",
            "M3 10.5 10 4l7 6.5M5 9.500V16h10V9.500",
        ),
        Section::Orders => (
            "desk.orders",
            "/admin/orders",
            "M5 3h10v14l-2.500-1.500L10 17l-2.500-1.500L5 17zM7.500 7h5M7.500 10.500h5",
        ),
        Section::Payments => (
            "desk.payments",
            "/admin/payments",
            "M3.500 5.500h13v9h-13zM3.500 8.500h13M6 12h3",
        ),
        Section::Customers => (
            "desk.customers",
            "/admin/customers",
            "M10 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM4 16.500c.6-3 2.900-4.500 6-4.500s5.400 1.500 6 4.500",
        ),
        Section::Discounts => (
            "desk.discounts",
            "/admin/discounts",
            "M3.500 9.500v-6h6l7 7-6 6zM7 7h.01",
        ),
        Section::Products => (
            "desk.products",
            "/admin/products",
            "M3.500 6.500 10 3l6.500 3.500v7L10 17l-6.500-3.500zM3.500 6.500 10 10l6.500-3.500M10 10v7",
        ),
        Section::Categories => (
            "desk.categories",
            "/admin/categories",
            "M3.500 4.500h5v5h-5zM11.500 4.500h5v5h-5zM3.500 12.500h5v3h-5zM11.500 12.500h5v3h-5z",
        ),
        Section::Stock => (
            "desk.stock",
            "/admin/stock",
            "M4 16V9M8 16V5M12 16v-5M16 16V7",
        ),
        Section::Import => (
            "desk.import",
            "/admin/import",
            "M6 3.500v9m0 0-2.500-2.500M6 12.500 8.500 10M14 16.500v-9m0 0L11.500 10M14 7.500l2.500 2.500",
        ),
        Section::ApiKeys => (
            "desk.api_keys",
            "/admin/api-keys",
            "M12.500 10.500a3.500 3.500 0 1 0-3.300-2.300L3.500 14v2.500H6V15h1.500v-1.500H9l1.800-1.800",
        ),
        Section::Webhooks => (
            "desk.webhooks",
            "/admin/webhooks",
            "M4 10h8.500m0 0L9 6.500M12.500 10 9 13.500M16 4v12",
        ),
        Section::Audit => (
            "desk.audit",
            "/admin/audit",
            "M10 5.500V10l3 2M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14z",
        ),
        Section::Jobs => (
            "desk.jobs",
            "/admin/jobs",
            "M4 10a6 6 0 0 1 10.500-4M16 10a6 6 0 0 1-10.500 4M14.500 3v3h-3M5.500 17v-3h3",
        ),
        Section::System => (
            "desk.system",
            "/admin/system",
            "M3.500 4.500h13v4h-13zM3.500 11.500h13v4h-13zM6.500 6.500h.01M6.500 13.500h.01",
        ),
        Section::Nowhere => ("desk.overview", "/admin", ""),
    }
}

/// The navigation: groups, their key, their sections, and whether only admins see a section.
const GROUPS: [(&str, &[(Section, bool)]); 3] = [
    (
        "desk.group_sell",
        &[
            (Section::Overview, false),
            (Section::Orders, false),
            (Section::Payments, false),
            (Section::Customers, false),
            (Section::Discounts, false),
        ],
    ),
    (
        "desk.group_goods",
        &[
            (Section::Products, false),
            (Section::Categories, false),
            (Section::Stock, false),
            (Section::Import, false),
        ],
    ),
    (
        "desk.group_run",
        &[
            (Section::ApiKeys, true),
            (Section::Webhooks, true),
            (Section::Audit, false),
            (Section::Jobs, false),
            (Section::System, false),
        ],
    ),
];

/// Links that belong together.
#[derive(Debug)]
pub struct Group {
    /// The key of what they are called.
    pub label: &'static str,
    /// Its id on the page.
    pub id: String,
    /// The links.
    pub links: Vec<NavLink>,
}

/// A link of the navigation.
#[derive(Debug)]
pub struct NavLink {
    /// The key of its words.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// Its drawing.
    pub icon: &'static str,
    /// Whether the page is in this section.
    pub current: bool,
}

/// What surrounds the content of a page for staff. Every template has one as `page`.
#[derive(Debug)]
pub struct Frame {
    /// The shop's name and the like.
    pub shop: Arc<Settings>,
    /// The addresses of stylesheets, scripts and icon.
    pub assets: Arc<Assets>,
    /// What the page is about.
    pub title: String,
    /// The navigation.
    pub groups: Vec<Group>,
    /// Who is signed in: the name, or the mail address if there is none.
    pub me: String,
    /// Whether that is an admin.
    pub admin: bool,
    /// What is in the search field.
    pub query: String,
    /// Path and query of the page, for coming back after the language was changed.
    pub address: String,
    /// The languages to choose from.
    pub languages: Vec<LanguageChoice>,
    /// Messages at the top.
    pub notes: Vec<Note>,
    texts: Arc<Texts>,
}

impl Frame {
    /// A frame for `me`.
    pub fn new(
        shop: &Shop,
        visitor: &Visitor,
        me: &Account,
        section: Section,
        title: String,
    ) -> Self {
        let texts = Arc::clone(&visitor.texts);
        let admin = me.role == Role::Admin;
        let link = |(other, _): &(Section, bool)| {
            let (label, href, icon) = about(*other);
            let current = *other == section;
            NavLink {
                label,
                href,
                icon,
                current,
            }
        };
        let group = |(label, sections): (&'static str, &[(Section, bool)])| Group {
            label,
            id: label.replace('.', "-"),
            links: sections
                .iter()
                .filter(|(_, for_admins)| admin || !for_admins)
                .map(link)
                .collect(),
        };
        // Only what the locales hold under `done.` can be said, so that nobody can put words into
        // our mouth by an address.
        let done = visitor.note.as_deref().map(|code| format!("done.{code}"));
        let note = done.and_then(|key| texts.find(&key).map(str::to_owned));
        Self {
            shop: Arc::clone(&shop.settings),
            assets: Arc::clone(&shop.assets),
            title,
            groups: GROUPS.into_iter().map(group).collect(),
            me: match me.name.as_str() {
                "" => me.email.as_str().to_owned(),
                name => name.to_owned(),
            },
            admin,
            query: String::new(),
            address: visitor.address.clone(),
            languages: language_choices(shop, &texts),
            notes: note
                .map(|text| Note { text, bad: false })
                .into_iter()
                .collect(),
            texts,
        }
    }

    /// The same frame with a message that something is wrong.
    #[must_use]
    pub fn warn(mut self, text: impl Into<String>) -> Self {
        self.notes.push(Note {
            text: text.into(),
            bad: true,
        });
        self
    }

    /// The language's code.
    pub fn language(&self) -> &'static str {
        self.texts.language()
    }

    /// The visitor's words.
    pub fn texts(&self) -> &Arc<Texts> {
        &self.texts
    }

    /// What stands in the browser's tab.
    pub fn head_title(&self) -> String {
        format!(
            "{} · {} · {}",
            self.title,
            self.t("desk.title"),
            self.shop.shop_name
        )
    }

    /// The words of `key`.
    pub fn t<'a>(&'a self, key: &'a str) -> &'a str {
        self.texts.get(key)
    }

    /// The words of `key` with a value in them.
    pub fn tv(&self, key: &str, value: impl Display) -> String {
        self.texts.with(key, value)
    }

    /// The words of `key` for a count.
    pub fn n(&self, key: &str, count: &i64) -> String {
        self.texts.count(key, *count)
    }

    /// `money` as the visitor's language writes it.
    pub fn money(&self, money: Money) -> String {
        money::format(money, self.language())
    }

    /// A point in time as a table shows it.
    pub fn when(&self, time: Timestamp) -> When {
        When::of(&self.texts, &self.shop.time_zone, time)
    }
}

/// The page as an answer that nobody keeps.
pub fn show(status: StatusCode, page: &Frame, template: &impl Template) -> Response {
    private(status, page.language(), template)
}
