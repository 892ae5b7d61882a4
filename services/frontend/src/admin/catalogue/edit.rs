//! `/admin/products/new` and `/admin/products/{id}`: one form for a product with all its parts.
//!
//! Its buttons send the whole form: those that add, remove and move give it back with what was
//! typed, only `save` writes. So it works without a script, and with one it is the same requests.

use askama::Template;
use axum::{
    extract::{Multipart, Path, multipart::MultipartRejection},
    response::Response,
};
use http::StatusCode;
use techcommerce_contracts::{
    codes,
    product_api::{Product, ProductPatch, ProductStatus},
};
use techcommerce_kernel::{Error, Kind as ErrorKind, Uuid};

use super::{
    product::{
        checks::{Wrongs, told},
        form::{OPTIONS, ProductForm},
        merge::Difference,
        options::TooMany,
        rows::StockRule,
    },
    products::{self, STATUSES, choice, choices},
    upload::{Posted, with_pictures},
};
use crate::{
    admin::{Desk, Frame, Section, form::Choice, frame, parts::Badge},
    failure::Failure,
    forms::{Sent, Wrong},
    page::see_other,
};

#[derive(Template)]
#[template(path = "admin/catalogue/product.html")]
struct ProductPage {
    page: Frame,
    form: ProductForm,
    /// Which product; none for a new one.
    there: Option<There>,
    action: String,
    wrongs: Wrongs,
    problems: Vec<Wrong>,
    differences: Vec<Told>,
    categories: Vec<Choice>,
    statuses: Vec<Choice>,
    rules: Vec<Choice>,
    missing: Vec<String>,
    can_add_option: bool,
    preview: Option<String>,
    /// What a button has just done, for those who do not see it.
    said: Option<String>,
}

/// The product that is there.
struct There {
    id: Uuid,
    href: String,
    archived: bool,
    public: bool,
    badge: Badge,
    /// What of each variant can be sold, by its id.
    stock: Vec<(Uuid, String)>,
}

/// A change of somebody else, in words.
struct Told {
    text: String,
    both: bool,
}

/// A field with what is in it and what is wrong with it.
struct Entry {
    id: String,
    value: String,
    error: Option<String>,
}

impl ProductPage {
    fn field(&self, id: &str, value: &str) -> Entry {
        Entry {
            id: id.to_owned(),
            value: value.to_owned(),
            error: self.wrongs.of(id).map(str::to_owned),
        }
    }

    fn option(&self, place: impl std::fmt::Display, field: &str, value: &str) -> Entry {
        self.field(&format!("o{place}-{field}"), value)
    }

    fn variant(&self, place: impl std::fmt::Display, field: &str, value: &str) -> Entry {
        self.field(&format!("v{place}-{field}"), value)
    }

    fn stock_of(&self, id: &Uuid) -> &str {
        let stock = self.there.iter().flat_map(|there| &there.stock);
        stock
            .into_iter()
            .find(|(known, _)| known == id)
            .map_or("", |(_, text)| text)
    }

    fn is_rule(&self, rule: &StockRule, choice: &Choice) -> bool {
        rule.name() == choice.value
    }

    /// The rule that hardly anybody has is offered to those that have it.
    fn offers(&self, rule: &StockRule, choice: &Choice) -> bool {
        choice.value != StockRule::NAMES[3] || rule.name() == choice.value
    }
}

/// What a page shows beside the form.
#[derive(Debug, Default)]
struct Shown {
    wrongs: Wrongs,
    differences: Vec<Difference>,
    preview: Option<String>,
    said: Option<String>,
    status: StatusCode,
}

/// `GET /admin/products/new`
///
/// # Errors
/// Nobody may see it.
pub async fn new(desk: Desk) -> Result<Response, Failure> {
    let form = ProductForm {
        key: desk.key(),
        ..ProductForm::new()
    };
    Ok(page(&desk, form, None, Shown::default()).await)
}

/// `GET /admin/products/{id}`; by its handle it leads to the same.
///
/// # Errors
/// There is no such product, or the catalogue does not answer.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let product = desk.api().goods_item(&id).await?;
    if id.parse::<Uuid>().is_err() {
        return see_other(&format!("{}/{}", products::PATH, product.id));
    }
    let form = ProductForm::of(&product, desk.visitor.texts.language());
    Ok(page(&desk, form, Some(&product), Shown::default()).await)
}

/// `POST /admin/products/new`
///
/// # Errors
/// The form is malformed, or the catalogue does not answer.
pub async fn create(
    desk: Desk,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let posted = with_pictures(&desk, form).await?;
    let (mut form, mut shown, save) = step(&desk, posted).await?;
    if form.key.is_empty() {
        form.key = desk.key();
    }
    if save {
        match form.input(desk.texts(), desk.shop.settings.currency) {
            Err(wrongs) => shown.wrongs = wrongs,
            Ok(input) => match desk.api().create_product(&form.key, &input).await {
                Ok(product) => {
                    let address = format!("{}/{}?note=product-created", products::PATH, product.id);
                    return see_other(&address);
                }
                // The key did its work with other details; the next try is another one.
                Err(error) if error.code() == codes::IDEMPOTENCY_KEY_REUSED => {
                    form.key = desk.key();
                    shown.wrongs = refused(&desk, error)?;
                }
                Err(error) => shown.wrongs = refused(&desk, error)?,
            },
        }
    }
    shown.settle();
    Ok(page(&desk, form, None, shown).await)
}

/// `POST /admin/products/{id}`
///
/// # Errors
/// There is no such product, the form is malformed, or the catalogue does not answer.
pub async fn save(
    desk: Desk,
    Path(id): Path<Uuid>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let posted = with_pictures(&desk, form).await?;
    let (mut form, mut shown, save) = step(&desk, posted).await?;
    if save {
        match form.patch(desk.texts(), desk.shop.settings.currency) {
            Err(wrongs) => shown.wrongs = wrongs,
            Ok(patch) => match desk.api().update_product(id, &patch).await {
                Ok(_) => {
                    return see_other(&format!("{}/{id}?note=product-saved", products::PATH));
                }
                Err(error) if error.code() == codes::PRODUCT_CHANGED => {
                    let product = desk.api().goods_item(&id.to_string()).await?;
                    shown.differences = form.merge(&product, desk.visitor.texts.language());
                    shown.status = StatusCode::CONFLICT;
                    return Ok(page(&desk, form, Some(&product), shown).await);
                }
                Err(error) => shown.wrongs = refused(&desk, error)?,
            },
        }
    }
    shown.settle();
    let product = desk.api().goods_item(&id.to_string()).await?;
    Ok(page(&desk, form, Some(&product), shown).await)
}

/// `POST /admin/products/{id}/status`: archives a product, or brings it back.
///
/// # Errors
/// There is no such product, or the catalogue does not answer.
pub async fn status(desk: Desk, Path(id): Path<Uuid>, sent: Sent) -> Result<Response, Failure> {
    let status: ProductStatus = sent
        .text("status")
        .parse()
        .map_err(|message| Error::invalid_field("status", message))?;
    let patch = ProductPatch {
        status: Some(status),
        ..ProductPatch::default()
    };
    desk.api().update_product(id, &patch).await?;
    let note = match status {
        ProductStatus::Archived => "product-archived",
        ProductStatus::Draft => "product-drafted",
        ProductStatus::Active => "product-active",
    };
    see_other(&format!("{}/{id}?note={note}", products::PATH))
}

/// What the button that was pressed does to the form; whether to save it.
async fn step(desk: &Desk, posted: Posted) -> Result<(ProductForm, Shown, bool), Failure> {
    let mut form = ProductForm::read(&posted.fields);
    let mut shown = Shown::default();
    for uploaded in &posted.uploaded {
        form.add_picture(uploaded);
    }
    for refused in posted.refused {
        shown.wrongs.say("files", refused);
    }
    let pressed = posted.fields.text("do");
    let (verb, about) = pressed.split_once(':').unwrap_or((&pressed, ""));
    let place = || about.parse().unwrap_or(usize::MAX);
    let t = |key| Some(desk.t(key).to_owned());
    match verb {
        "add-option" => {
            form.add_option();
            shown.said = t("goods_form.said_option");
        }
        "remove-option" => {
            form.remove_option(place());
            shown.said = t("goods_form.said_option_gone");
        }
        "follow" => {
            follow(desk, &mut form, &mut shown);
            shown.said = t("goods_form.said_variants");
        }
        "add-variant" => {
            form.add_missing(&posted.fields.text("missing"));
            shown.said = t("goods_form.said_variants");
        }
        "remove-variant" => {
            form.remove_variant(place());
            shown.said = t("goods_form.said_variants");
        }
        "up" | "down" => {
            form.move_picture(about, if verb == "up" { -1 } else { 1 });
            shown.said = t("goods_form.said_moved");
        }
        "remove-picture" => {
            form.pictures.retain(|picture| picture.key != about);
            shown.said = t("goods_form.said_picture_gone");
        }
        "upload" => {
            let count = posted.uploaded.len() as i64;
            shown.said = Some(desk.texts().count("goods_form.uploaded", count));
        }
        "preview" => shown.preview = Some(desk.api().preview(&form.description).await?),
        // Enter in a field presses the first button, which saves.
        _ => {
            let save = shown.wrongs.is_empty() && !follow_first(desk, &mut form, &mut shown);
            return Ok((form, shown, save));
        }
    }
    Ok((form, shown, false))
}

/// Options that were edited and not followed: whether that makes new variants or lets some go, so
/// that somebody has to look at them before they are saved.
fn follow_first(desk: &Desk, form: &mut ProductForm, shown: &mut Shown) -> bool {
    if !form.options_changed() {
        return false;
    }
    let before = form.going.len();
    let known = form.variants.len();
    follow(desk, form, shown);
    let to_look_at = form.going.len() > before || form.variants.len() != known;
    if to_look_at && shown.wrongs.is_empty() {
        shown
            .wrongs
            .whole
            .push(desk.t("goods_form.look_at_variants").to_owned());
    }
    to_look_at || !shown.wrongs.is_empty()
}

fn follow(desk: &Desk, form: &mut ProductForm, shown: &mut Shown) {
    if let Err(TooMany) = form.follow_options() {
        shown
            .wrongs
            .say("o0-values", desk.t("goods_wrong.too_many_variants"));
    }
}

/// What staff can mend, to be shown at the fields; the rest goes on as it is.
fn refused(desk: &Desk, error: Error) -> Result<Wrongs, Failure> {
    match told(&error, desk.texts()) {
        Some(wrongs) => Ok(wrongs),
        None if matches!(
            error.kind(),
            ErrorKind::Conflict | ErrorKind::Invalid | ErrorKind::Unprocessable
        ) =>
        {
            let mut wrongs = Wrongs::default();
            wrongs.whole.push(desk.explain(&error));
            Ok(wrongs)
        }
        None => Err(error.into()),
    }
}

impl Shown {
    fn settle(&mut self) {
        if !self.wrongs.is_empty() {
            self.status = StatusCode::UNPROCESSABLE_ENTITY;
        }
    }
}

async fn page(desk: &Desk, form: ProductForm, product: Option<&Product>, shown: Shown) -> Response {
    let texts = desk.texts();
    let categories = desk.api().all_categories().await.unwrap_or_default();
    let mut categories = choices(&categories, texts.get("goods.no_category"));
    if !categories
        .iter()
        .any(|choice| choice.value == form.category)
    {
        categories.push(choice(&form.category, &form.category));
    }
    let title = match product {
        Some(product) => product.title.clone(),
        None => desk.t("goods_form.new").to_owned(),
    };
    let label = |field: &str| label(desk, field, &form);
    let problems = shown.wrongs.list().map(|(field, text)| Wrong {
        id: field.to_owned(),
        text: format!("{}: {text}", label(field)),
    });
    let whole = shown.wrongs.whole.iter().map(Wrong::whole);
    let problems = problems.chain(whole).collect();
    let rule = |name: &'static str| {
        choice(
            name,
            texts.get(&format!("goods_rule.{}", name.replace('-', "_"))),
        )
    };
    let view = ProductPage {
        page: desk.frame(Section::Products, title),
        action: match product {
            Some(product) => format!("{}/{}", products::PATH, product.id),
            None => format!("{}/new", products::PATH),
        },
        there: product.map(|product| there(desk, product)),
        problems,
        differences: shown
            .differences
            .iter()
            .map(|d| in_words(desk, d))
            .collect(),
        categories,
        statuses: STATUSES
            .iter()
            .map(|(status, key, _)| choice(status.name(), texts.get(key)))
            .collect(),
        rules: StockRule::NAMES.into_iter().map(rule).collect(),
        missing: form
            .missing()
            .iter()
            .map(|values| values.join(" / "))
            .collect(),
        can_add_option: form.options.len() < OPTIONS,
        preview: shown.preview,
        said: shown.said,
        wrongs: shown.wrongs,
        form,
    };
    frame::show(shown.status, &view.page, &view)
}

fn there(desk: &Desk, product: &Product) -> There {
    let texts = desk.texts();
    let (key, tone) = match product.status {
        ProductStatus::Active => ("goods.status_active", "good"),
        ProductStatus::Draft => ("goods.status_draft", "warn"),
        ProductStatus::Archived => ("goods.status_archived", ""),
    };
    let stock = |variant: &techcommerce_contracts::product_api::Variant| {
        let text = match variant.available {
            Some(count) => texts.count("goods.available", count),
            None => texts.get("goods.not_counted").to_owned(),
        };
        (variant.id, text)
    };
    There {
        id: product.id,
        href: format!("/products/{}", product.handle),
        archived: product.status == ProductStatus::Archived,
        public: product.status == ProductStatus::Active,
        badge: Badge::new(texts, key, tone),
        stock: product.variants.iter().map(stock).collect(),
    }
}

/// What a field is called in the summary above the form.
fn label(desk: &Desk, field: &str, form: &ProductForm) -> String {
    let (root, rest) = field.split_once('-').unwrap_or((field, ""));
    let place: Option<usize> = root.get(1..).and_then(|number| number.parse().ok());
    match (root.get(..1), place) {
        (Some("v"), Some(place)) => {
            let name = desk.texts().get(&format!("goods_form.{rest}")).to_owned();
            let title = form
                .variants
                .get(place)
                .map(|v| v.title())
                .unwrap_or_default();
            match title.as_str() {
                "" => name,
                title => format!("{title}, {name}"),
            }
        }
        (Some("o"), Some(place)) => {
            let option = desk.texts().with("goods_form.option_number", place + 1);
            format!(
                "{option}, {}",
                desk.texts().get(&format!("goods_form.{rest}"))
            )
        }
        _ => desk.texts().get(&format!("goods_form.{field}")).to_owned(),
    }
}

fn in_words(desk: &Desk, difference: &Difference) -> Told {
    let label = desk
        .texts()
        .get(&format!("goods_form.{}", difference.part))
        .to_owned();
    let status = format!("goods.status_{}", difference.theirs);
    let theirs = match difference.part {
        "status" => desk.texts().get(&status),
        "description" => desk.t("goods_form.another_text"),
        "pictures" => {
            return Told {
                text: desk
                    .texts()
                    .with("goods_form.other_pictures", &difference.theirs),
                both: difference.both,
            };
        }
        _ => difference.theirs.as_str(),
    };
    let theirs = if theirs.is_empty() {
        desk.t("goods_form.nothing")
    } else {
        theirs
    };
    Told {
        text: format!("{label}: {theirs}"),
        both: difference.both,
    }
}
