//! Who is at a page for staff. The extractor is the permission: strangers are sent to sign in and
//! come back afterwards, customers are refused.

use std::ops::Deref;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{Method, header, request::Parts};
use techcommerce_contracts::{Role, auth::Account, codes};
use techcommerce_kernel::{Error, Kind};

use super::{
    form::Form,
    frame::{Frame, Section},
};
use crate::{
    api::Api,
    failure::Failure,
    i18n::Texts,
    page::see_other,
    pages::sign::forget_session,
    shop::Shop,
    visitor::{Visitor, safe_return},
};

/// A member of staff (or an admin) and what their pages are made with.
pub struct Desk {
    /// The shop.
    pub shop: Shop,
    /// The browser.
    pub visitor: Visitor,
    /// Who it is.
    pub me: Account,
}

impl Desk {
    /// The API in this person's name.
    pub fn api(&self) -> Api<'_> {
        self.shop.api(&self.visitor)
    }

    /// This person's words.
    pub fn texts(&self) -> &Texts {
        &self.visitor.texts
    }

    /// The words of `key`.
    pub fn t<'a>(&'a self, key: &'a str) -> &'a str {
        self.visitor.texts.get(key)
    }

    /// Whether things may be shown that only admins may do.
    pub fn is_admin(&self) -> bool {
        self.me.role == Role::Admin
    }

    /// What surrounds a page of `section` with this title.
    pub fn frame(&self, section: Section, title: impl Into<String>) -> Frame {
        Frame::new(&self.shop, &self.visitor, &self.me, section, title.into())
    }

    /// A key for a form that must not count twice, to travel in a hidden field.
    pub fn key(&self) -> String {
        self.shop.env.new_id().to_string()
    }

    /// What went wrong, for a person: our own words for what we know, else what the API said.
    pub fn explain(&self, error: &Error) -> String {
        explain(self.texts(), error)
    }

    /// An empty form in this person's words.
    pub fn form(&self) -> Form {
        Form::new(self.visitor.texts.clone())
    }

    /// An empty form that counts once.
    pub fn form_once(&self) -> Form {
        self.form().once(self.key())
    }

    async fn open(parts: &mut Parts, shop: &Shop) -> Result<Self, Failure> {
        let Ok(visitor) = Visitor::from_request_parts(parts, shop).await;
        if visitor.session.is_none() {
            return Err(unknown());
        }
        let me = shop.api(&visitor).me().await?;
        if me.role == Role::Customer {
            let refused = "This page is for the shop's staff.";
            return Err(Failure(Error::forbidden(codes::FORBIDDEN, refused)));
        }
        // Until the shop's password is replaced the session has a customer's rights only.
        if me.must_change_password {
            let refused = "Choose a password of your own first.";
            let code = codes::PASSWORD_CHANGE_REQUIRED;
            return Err(Failure(Error::forbidden(code, refused)));
        }
        Ok(Self {
            shop: shop.clone(),
            visitor,
            me,
        })
    }
}

fn unknown() -> Failure {
    Failure(Error::unauthenticated(
        codes::UNAUTHENTICATED,
        "Nobody is signed in.",
    ))
}

/// What went wrong in the words of `texts`.
pub fn explain(texts: &Texts, error: &Error) -> String {
    let known = format!("trouble.{}", error.code());
    match texts.find(&known) {
        Some(words) => words.to_owned(),
        // The API speaks English, and says more than we could.
        None if texts.language() == "en" && error.kind() != Kind::Internal => {
            error.message().to_owned()
        }
        None => texts.get("trouble.unknown").to_owned(),
    }
}

impl FromRequestParts<Shop> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Response> {
        let refused = match Self::open(parts, shop).await {
            Ok(desk) => return Ok(desk),
            Err(refused) => refused,
        };
        if refused.0.code() == codes::PASSWORD_CHANGE_REQUIRED {
            let answer = see_other("/account/password");
            return Err(answer.unwrap_or_else(IntoResponse::into_response));
        }
        if refused.0.kind() != Kind::Unauthenticated {
            return Err(refused.into_response());
        }
        let answer = serde_urlencoded::to_string([("back", way_back(parts))])
            .map_err(|error| Failure(Error::internal(error)))
            .and_then(|back| {
                let mut answer = see_other(&format!("/login?{back}"))?;
                forget_session(shop, &mut answer)?;
                Ok(answer)
            });
        Err(answer.unwrap_or_else(IntoResponse::into_response))
    }
}

/// The page to come back to: the one that was asked for, or that the form stood on.
fn way_back(parts: &Parts) -> String {
    let asked = match parts.method {
        Method::GET | Method::HEAD => parts.uri.path_and_query().map(ToString::to_string),
        _ => parts
            .headers
            .get(header::REFERER)
            .and_then(|referer| referer.to_str().ok()?.parse::<http::Uri>().ok())
            .and_then(|page| page.path_and_query().map(ToString::to_string)),
    };
    let ours = asked.filter(|address| {
        let path = address.split('?').next().unwrap_or_default();
        (path == "/admin" || path.starts_with("/admin/")) && safe_return(address) == address
    });
    ours.unwrap_or_else(|| "/admin".into())
}

/// An admin and what their pages are made with. Staff are refused.
pub struct AdminDesk(pub Desk);

impl Deref for AdminDesk {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl FromRequestParts<Shop> for AdminDesk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Response> {
        let desk = Desk::from_request_parts(parts, shop).await?;
        if desk.is_admin() {
            return Ok(Self(desk));
        }
        let refused = Error::forbidden(codes::FORBIDDEN, "This page is for the shop's admins.");
        Err(Failure(refused).into_response())
    }
}
