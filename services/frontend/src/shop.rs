//! What all handlers share.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use techcommerce_contracts::{Channel, Client, ServiceTokens, product_api::Category};
use techcommerce_kernel::{Env, Error};
use tokio::time::Instant;

use crate::{
    api::Api,
    assets::Assets,
    i18n::Languages,
    page::{Aisle, Page},
    settings::Settings,
    visitor::Visitor,
};

/// How old the departments in the navigation may be. They change a few times a year.
const AISLES_AGE: Duration = Duration::from_secs(15);

/// What all handlers share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shop(Arc<Inner>);

/// See [`Shop`].
#[derive(Debug)]
pub struct Inner {
    /// Time and randomness.
    pub env: Env,
    /// This shop.
    pub settings: Arc<Settings>,
    /// The files that pages load.
    pub assets: Arc<Assets>,
    /// The languages that this shop speaks.
    pub languages: Languages,
    /// The way to the edge.
    pub edge: Client,
    /// The way to the pictures.
    pub images: Channel,
    /// What we show to both.
    pub tokens: ServiceTokens,
    departments: Mutex<Option<(Instant, Departments)>>,
}

/// The categories, and the same as links.
#[derive(Debug, Clone)]
pub struct Departments {
    /// As the API tells.
    pub categories: Arc<[Category]>,
    /// For the navigation.
    pub aisles: Arc<[Aisle]>,
}

impl Deref for Shop {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Shop {
    /// A shop that is reached through these.
    ///
    /// # Errors
    /// The configuration names a language that is not shipped.
    pub fn new(
        env: Env,
        settings: Settings,
        edge: Channel,
        images: Channel,
        tokens: ServiceTokens,
    ) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            env,
            languages: Languages::new(&settings.languages)?,
            settings: Arc::new(settings),
            assets: Arc::new(Assets::compiled_in()),
            edge: Client::new(edge, tokens.clone()),
            images,
            tokens,
            departments: Mutex::default(),
        })))
    }

    /// The API in the visitor's name.
    pub fn api<'a>(&'a self, visitor: &'a Visitor) -> Api<'a> {
        Api::new(&self.edge, visitor)
    }

    /// A page for the visitor. It comes even if nothing answers: without departments, or with the
    /// last ones known, and without the number of things in the cart.
    pub async fn page(&self, visitor: &Visitor) -> Page {
        let (departments, count) =
            tokio::join!(self.departments(visitor), self.count_in_cart(visitor));
        let aisles = departments.map_or_else(|_| Arc::default(), |known| known.aisles);
        Page::new(self, visitor, aisles, count)
    }

    /// The departments, at most [`AISLES_AGE`] old while the API answers.
    ///
    /// # Errors
    /// The API does not answer and never has.
    pub async fn departments(&self, visitor: &Visitor) -> Result<Departments, Error> {
        let known = self
            .departments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let now = Instant::now();
        if let Some((read, departments)) = &known
            && now.duration_since(*read) < AISLES_AGE
        {
            return Ok(departments.clone());
        }
        match self.api(visitor).categories().await {
            Ok(categories) => {
                let aisle = |category: &Category| Aisle {
                    handle: category.handle.to_string(),
                    title: category.title.clone(),
                    href: format!("/categories/{}", category.handle),
                };
                let sold = categories
                    .into_iter()
                    .filter(|category| category.product_count > 0);
                let categories: Arc<[Category]> = sold.collect();
                let aisles = categories.iter().map(aisle).collect();
                let fresh = Departments { categories, aisles };
                *self
                    .departments
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some((now, fresh.clone()));
                Ok(fresh)
            }
            Err(error) => known.map(|(_, departments)| departments).ok_or(error),
        }
    }

    async fn count_in_cart(&self, visitor: &Visitor) -> i64 {
        let Some(id) = visitor.cart.as_deref() else {
            return 0;
        };
        match self.api(visitor).cart(id).await {
            Ok(cart) if cart.order_id.is_none() => cart.item_count,
            _ => 0,
        }
    }
}
