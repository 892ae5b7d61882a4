//! What the pages for signing in, signing up and passwords have in common.

use askama::Template;
use axum::response::Response;
use http::{StatusCode, header};
use techcommerce_contracts::auth::SessionCreated;
use techcommerce_kernel::Error;

use crate::{
    cookies,
    forms::{Field, Wrong},
    page::{Page, render},
    shop::Shop,
    visitor::Visitor,
};

/// A short form on a narrow page. Texts are keys of the locales.
#[derive(Template)]
#[template(path = "sign.html")]
struct SignPage {
    page: Page,
    heading: &'static str,
    lead: &'static str,
    action: &'static str,
    button: &'static str,
    fields: Vec<Field>,
    hiddens: Vec<(&'static str, String)>,
    problems: Vec<Wrong>,
    links: Vec<Link>,
}

/// A way on from the form.
#[derive(Debug)]
pub struct Link {
    /// Words before the link; may be empty.
    pub before: &'static str,
    /// The link's words.
    pub text: &'static str,
    /// Where it leads.
    pub href: String,
}

/// What the form is. Texts are keys of the locales.
#[derive(Debug, Default)]
pub struct Sheet {
    /// The large heading.
    pub heading: &'static str,
    /// A sentence below it; may be empty.
    pub lead: &'static str,
    /// Where the form goes.
    pub action: &'static str,
    /// The button's words.
    pub button: &'static str,
    /// What to fill in; nothing makes a page without a form.
    pub fields: Vec<Field>,
    /// What travels along.
    pub hiddens: Vec<(&'static str, String)>,
    /// What is wrong.
    pub problems: Vec<Wrong>,
    /// Ways on.
    pub links: Vec<Link>,
}

/// The page with the form.
pub async fn sheet(shop: &Shop, visitor: &Visitor, sheet: Sheet, status: StatusCode) -> Response {
    let Sheet {
        heading,
        lead,
        action,
        button,
        fields,
        hiddens,
        problems,
        links,
    } = sheet;
    let page = shop
        .page(visitor)
        .await
        .private()
        .titled(visitor.texts.get(heading));
    let view = SignPage {
        page,
        heading,
        lead,
        action,
        button,
        fields,
        hiddens,
        problems,
        links,
    };
    render(status, &view.page, &view)
}

/// Tells the browser to keep the session.
///
/// # Errors
/// The session's secret is no plain text.
pub fn keep_session(
    shop: &Shop,
    response: &mut Response,
    session: &SessionCreated,
) -> Result<(), Error> {
    let (age, secure) = (cookies::SESSION_AGE, shop.settings.is_secure());
    let cookie = cookies::set(cookies::SESSION, &session.token, age, secure)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}

/// Tells the browser to forget the session.
///
/// # Errors
/// None that can happen; a cookie is text.
pub fn forget_session(shop: &Shop, response: &mut Response) -> Result<(), Error> {
    let secure = shop.settings.is_secure();
    let cookie = cookies::set(cookies::SESSION, "", std::time::Duration::ZERO, secure)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}
