//! What every page has: language, header, footer, and how long it may be kept.

use std::{fmt::Display, sync::Arc};

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use techcommerce_kernel::{Error, Money};

use crate::{
    assets::Assets, failure::Failure, i18n::Texts, money, settings::Settings, shop::Shop,
    visitor::Visitor,
};

/// A department in the navigation.
#[derive(Debug, Clone)]
pub struct Aisle {
    /// Names the category.
    pub handle: String,
    /// As it is called.
    pub title: String,
    /// The category's page.
    pub href: String,
}

/// A short message on what was just done, or on what is wrong.
#[derive(Debug, Clone)]
pub struct Note {
    /// What to say.
    pub text: String,
    /// Whether something is wrong.
    pub bad: bool,
}

/// A language to change to.
#[derive(Debug, Clone)]
pub struct LanguageChoice {
    /// Its code.
    pub code: &'static str,
    /// Its name in itself.
    pub name: String,
    /// Whether the page is in it.
    pub current: bool,
}

/// What surrounds the content of a page. Every template has one as `page`.
#[derive(Debug)]
pub struct Page {
    /// The shop's name, address and the like.
    pub shop: Arc<Settings>,
    /// The addresses of stylesheet, script and icon.
    pub assets: Arc<Assets>,
    /// The departments.
    pub aisles: Arc<[Aisle]>,
    /// Which of them the page belongs to; `products` for the list of all.
    pub here: String,
    /// What the page is about; empty for the home page.
    pub title: String,
    /// For search engines.
    pub description: Option<String>,
    /// The page's one true address, if search engines may know it.
    pub canonical: Option<String>,
    /// A picture for those who share the page.
    pub share_picture: Option<String>,
    /// What is in the search field.
    pub query: String,
    /// How many things are in the cart.
    pub cart_count: i64,
    /// Whether there is a session.
    pub signed_in: bool,
    /// Path and query of the page.
    pub address: String,
    /// The languages to choose from.
    pub languages: Vec<LanguageChoice>,
    /// Messages at the top.
    pub notes: Vec<Note>,
    /// Nobody but this visitor may see it, and nobody may keep it.
    pub private: bool,
    /// It shows something of this visitor, if only the number of things in the cart.
    pub personal: bool,
    texts: Arc<Texts>,
}

impl Page {
    /// A page for `visitor`.
    pub fn new(shop: &Shop, visitor: &Visitor, aisles: Arc<[Aisle]>, cart_count: i64) -> Self {
        let texts = Arc::clone(&visitor.texts);
        let note = visitor.note.as_deref().and_then(said).map(|key| Note {
            text: texts.get(key).to_owned(),
            bad: false,
        });
        Self {
            shop: Arc::clone(&shop.settings),
            assets: Arc::clone(&shop.assets),
            aisles,
            here: String::new(),
            title: String::new(),
            description: None,
            canonical: None,
            share_picture: None,
            query: String::new(),
            cart_count,
            signed_in: visitor.session.is_some(),
            address: visitor.address.clone(),
            languages: language_choices(shop, &texts),
            notes: note.into_iter().collect(),
            private: false,
            personal: visitor.is_known(),
            texts,
        }
    }

    /// The same page with a title.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The same page, for this visitor's eyes only.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// The same page, to be found under this path.
    #[must_use]
    pub fn found_at(mut self, path: &str) -> Self {
        self.canonical = Some(format!("{}{path}", self.shop.public_url));
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
        let name = &self.shop.shop_name;
        match self.title.as_str() {
            "" => format!("{name} · {}", self.t("home.title")),
            title => format!("{title} · {name}"),
        }
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
}

/// The languages that this shop speaks; the page is in that of `texts`.
pub fn language_choices(shop: &Shop, texts: &Texts) -> Vec<LanguageChoice> {
    let choice = |other: &Arc<Texts>| LanguageChoice {
        code: other.language(),
        name: other.get("language.name").to_owned(),
        current: other.language() == texts.language(),
    };
    shop.languages.all().map(choice).collect()
}

/// The notes that may be asked for by the address, so that nobody can put words into our mouth.
fn said(code: &str) -> Option<&'static str> {
    Some(match code {
        "added" => "cart.note_added",
        "removed" => "cart.note_removed",
        "updated" => "cart.note_updated",
        "discount" => "cart.note_discount",
        "discount-gone" => "cart.note_discount_gone",
        "revoked" => "account.note_revoked",
        "signed-out" => "account.note_signed_out",
        "welcome" => "account.note_welcome",
        "password" => "account.note_password",
        "password-changed" => "account.note_password_changed",
        _ => return None,
    })
}

/// The page as an answer. `page` is the one within `template`.
pub fn render(status: StatusCode, page: &Page, template: &impl Template) -> Response {
    // A shared cache may show a page that is the same for everyone for a minute; a browser asks
    // each time, so that a cart is never older than the last click.
    let caching = match (page.private || !status.is_success(), page.personal) {
        (true, _) => "private, no-store",
        (false, true) => "private, no-cache",
        (false, false) => "public, max-age=0, s-maxage=60, stale-while-revalidate=300",
    };
    dress(status, page.language(), caching, template)
}

/// A page that nobody keeps, as an answer.
pub fn private(status: StatusCode, language: &'static str, template: &impl Template) -> Response {
    dress(status, language, "private, no-store", template)
}

fn dress(
    status: StatusCode,
    language: &'static str,
    caching: &'static str,
    template: &impl Template,
) -> Response {
    let body = match template.render() {
        Ok(body) => body,
        Err(error) => return Failure(Error::internal(error)).into_response(),
    };
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
        (
            header::VARY,
            HeaderValue::from_static("cookie, accept-language"),
        ),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(language)),
    ];
    (status, headers, Html(body)).into_response()
}

/// `303 See Other`: what a form is answered with, so that a reload does not send it again.
pub fn see_other(address: &str) -> Result<Response, Failure> {
    let location = HeaderValue::from_str(address).map_err(Error::internal)?;
    let caching = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((
        StatusCode::SEE_OTHER,
        [(header::LOCATION, location), caching],
    )
        .into_response())
}
