//! What was typed, made into what the API takes; and what the API said, brought to its field.

use std::collections::BTreeMap;

use techcommerce_contracts::{
    codes,
    product_api::{ImageInput, OptionValue, ProductInput, ProductPatch, VariantInput},
};
use techcommerce_kernel::{Currency, Error, Handle, Money, Sku};

use super::{form::ProductForm, rows::VariantRow};
use crate::{admin::catalogue::amount, i18n::Texts};

/// What is wrong, by the id of the field; and what is wrong with the whole.
#[derive(Debug, Default)]
pub struct Wrongs {
    fields: BTreeMap<String, String>,
    order: Vec<String>,
    /// About no field.
    pub whole: Vec<String>,
}

impl Wrongs {
    /// Says it of a field; the first word on each field counts.
    pub fn say(&mut self, field: impl Into<String>, text: impl Into<String>) {
        let field = field.into();
        if !self.fields.contains_key(&field) {
            self.order.push(field.clone());
            self.fields.insert(field, text.into());
        }
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    /// Whether all is well.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.whole.is_empty()
    }

    /// The fields that are wrong, in the order in which it was found out.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = |field: &str| self.fields.get(field).map_or("", String::as_str);
        self.order
            .iter()
            .map(move |field| (field.as_str(), text(field)))
    }
}

/// Reads the form in a language and a currency.
struct Reader<'a> {
    texts: &'a Texts,
    currency: Currency,
    wrongs: Wrongs,
}

impl ProductForm {
    /// The form as a new product.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn input(&self, texts: &Texts, currency: Currency) -> Result<ProductInput, Wrongs> {
        let mut reader = Reader {
            texts,
            currency,
            wrongs: Wrongs::default(),
        };
        let title = reader.needed("title", &self.title);
        let handle = reader.handle(&self.handle);
        let variants = reader.variants(self);
        if !reader.wrongs.is_empty() {
            return Err(reader.wrongs);
        }
        Ok(ProductInput {
            title,
            handle,
            description: self.description.clone(),
            vendor: self.vendor.clone(),
            tags: self.tag_list(),
            category: Some(self.category.clone()).filter(|category| !category.is_empty()),
            status: self.status,
            images: self.images(),
            variants,
        })
    }

    /// The form as a change: only the parts that were edited, and only if nobody else was faster.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn patch(&self, texts: &Texts, currency: Currency) -> Result<ProductPatch, Wrongs> {
        let mut input = self.input(texts, currency)?;
        if input.handle.is_none() {
            // The field was emptied: the title makes a new one, as it does for a new product.
            input.handle = Handle::from_title(&self.title);
        }
        let edited = |part: &str| self.changed(part);
        Ok(ProductPatch {
            version: Some(self.version),
            title: edited("title").then_some(input.title),
            handle: input.handle.filter(|_| edited("handle")),
            description: edited("description").then_some(input.description),
            vendor: edited("vendor").then_some(input.vendor),
            tags: edited("tags").then_some(input.tags),
            category: edited("category").then(|| self.category.clone()),
            status: edited("status").then_some(input.status),
            images: edited("pictures").then_some(input.images),
            variants: edited("variants").then_some(input.variants),
        })
    }

    fn images(&self) -> Vec<ImageInput> {
        let image = |picture: &super::rows::PictureRow| ImageInput {
            id: picture.id,
            source_url: Some(picture.source.clone()).filter(|_| picture.id.is_none()),
            alt: picture.alt.clone(),
            width: picture.width,
            height: picture.height,
        };
        self.pictures.iter().map(image).collect()
    }
}

impl Reader<'_> {
    fn say(&mut self, field: &str, key: &str) {
        let text = self.texts.get(key).to_owned();
        self.wrongs.say(field, text);
    }

    fn needed(&mut self, field: &str, text: &str) -> String {
        if text.is_empty() {
            self.say(field, "field.required");
        }
        text.to_owned()
    }

    fn handle(&mut self, text: &str) -> Option<Handle> {
        if text.is_empty() {
            return None;
        }
        let handle = text.parse().ok();
        if handle.is_none() {
            self.say("handle", "goods_wrong.handle");
        }
        handle
    }

    fn variants(&mut self, form: &ProductForm) -> Vec<VariantInput> {
        let mut names: Vec<String> = Vec::new();
        for (place, option) in form.options.iter().enumerate() {
            let field = format!("o{place}-name");
            let name = self.needed(&field, &option.name);
            if !name.is_empty() && names.contains(&name) {
                self.say(&field, "goods_wrong.option_twice");
            }
            names.push(name);
        }
        let rows = form.variants.iter().enumerate();
        rows.filter_map(|(place, row)| self.variant(place, row, &names))
            .collect()
    }

    fn variant(
        &mut self,
        place: usize,
        row: &VariantRow,
        names: &[String],
    ) -> Option<VariantInput> {
        let field = |name: &str| format!("v{place}-{name}");
        let sku: Option<Result<Sku, _>> =
            Some(&row.sku).filter(|s| !s.is_empty()).map(|s| s.parse());
        let sku = match sku {
            Some(Ok(sku)) => Some(sku),
            Some(Err(_)) => {
                self.say(&field("sku"), "field.too_long");
                None
            }
            None => None,
        };
        let price = match row.price.as_str() {
            "" => {
                self.say(&field("price"), "goods_wrong.price_missing");
                None
            }
            text => self.amount(&field("price"), text),
        };
        let before = match row.before.as_str() {
            "" => None,
            text => self.amount(&field("before"), text),
        };
        if let (Some(price), Some(before)) = (price, before)
            && before.amount <= price.amount
        {
            self.say(&field("before"), "goods_wrong.before_not_more");
        }
        let on_hand = match row.on_hand.as_str() {
            "" => 0,
            text => match text.parse::<i64>() {
                Ok(count) if count >= 0 || row.stock.sells_on => count,
                _ => {
                    self.say(&field("on_hand"), "goods_wrong.count");
                    0
                }
            },
        };
        let options = names.iter().zip(&row.values);
        Some(VariantInput {
            id: row.id,
            sku,
            options: options
                .map(|(name, value)| OptionValue {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
            price: price?,
            compare_at_price: before,
            track_inventory: row.stock.tracked,
            inventory_policy: row.stock.policy(),
            on_hand,
        })
    }

    fn amount(&mut self, field: &str, text: &str) -> Option<Money> {
        match amount::read(text, self.currency, self.texts.language()) {
            Ok(amount) => Some(Money::new(amount, self.currency)),
            Err(why) => {
                self.say(field, why.key());
                None
            }
        }
    }
}

/// What the API refused, brought to the fields it is about. None if staff cannot mend it here.
pub fn told(error: &Error, texts: &Texts) -> Option<Wrongs> {
    let mut wrongs = Wrongs::default();
    if error.code() == codes::HANDLE_TAKEN {
        wrongs.say("handle", texts.get("goods_wrong.handle_taken"));
        return Some(wrongs);
    }
    for told in error.fields() {
        match field_of(&told.path) {
            // The API's own words say most exactly what is wrong.
            Some(field) => wrongs.say(field, texts.with("goods_wrong.told", &told.message)),
            None => wrongs
                .whole
                .push(format!("{}: {}", told.path, told.message)),
        }
    }
    (!wrongs.is_empty()).then_some(wrongs)
}

/// The field of a path, as `v2-price` of `variants[2].price.amount`.
fn field_of(path: &str) -> Option<String> {
    let (root, rest) = path.split_once(['[', '.']).unwrap_or((path, ""));
    match root {
        "title" | "handle" | "description" | "vendor" | "category" | "tags" | "status" => {
            Some(root.to_owned())
        }
        "images" => Some("pictures".to_owned()),
        "variants" => {
            let (place, member) = rest.split_once("].")?;
            let place: usize = place.parse().ok()?;
            let name = member.split(['.', '[']).next()?;
            match name {
                "sku" | "price" | "on_hand" => Some(format!("v{place}-{name}")),
                "compare_at_price" => Some(format!("v{place}-before")),
                "options" => {
                    let option = member
                        .strip_prefix("options[")
                        .and_then(|m| m.split(']').next());
                    let option = option
                        .and_then(|text| text.parse::<usize>().ok())
                        .unwrap_or(0);
                    match member.ends_with(".name") {
                        true => Some(format!("o{option}-name")),
                        false => Some(format!("o{option}-values")),
                    }
                }
                _ => Some(format!("v{place}-stock")),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::tests::{bowl, sent};
    use super::*;
    use crate::i18n::Languages;

    fn form(language: &str) -> ProductForm {
        ProductForm::read(&sent(&ProductForm::of(&bowl(), language)))
    }

    #[test]
    fn only_what_was_edited_is_sent() {
        let languages = Languages::new(&[]).unwrap();
        let de = languages.find("de").unwrap();
        let mut form = form("de");
        form.title = "Eichenschale".into();
        let patch = form.patch(de, Currency::EUR).unwrap();
        let json = serde_json::to_value(&patch).unwrap();
        let mut given: Vec<_> = json
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, _)| k.as_str())
            .collect();
        given.sort_unstable();
        assert_eq!(given, ["title", "version"]);
        form.variants[0].price = "1.234,50".into();
        form.variants[0].before.clear();
        let patch = form.patch(de, Currency::EUR).unwrap();
        let variants = patch.variants.unwrap();
        assert_eq!(variants[0].price.amount, 123_450);
        assert_eq!(variants[0].compare_at_price, None);
        assert_eq!(variants[1].id, form.variants[1].id);
        assert_eq!(variants[1].options[0].value, "Large");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let languages = Languages::new(&[]).unwrap();
        let en = languages.find("en").unwrap();
        let mut form = form("en");
        form.title.clear();
        form.handle = "Not a handle".into();
        form.variants[0].price = "1.234".into();
        form.variants[1].before = "1".into();
        form.add_option();
        form.options[1].values = "x".into();
        let wrongs = form.input(en, Currency::EUR).unwrap_err();
        let fields: Vec<_> = wrongs.list().map(|(field, _)| field).collect();
        assert_eq!(
            fields,
            ["title", "handle", "o1-name", "v0-price", "v1-before"]
        );
        assert!(wrongs.of("v0-price").is_some());
        assert!(wrongs.of("v1-price").is_none());
    }

    #[test]
    fn the_words_of_the_api_find_their_field() {
        for (path, field) in [
            ("title", Some("title")),
            ("tags[3]", Some("tags")),
            ("images[0].alt", Some("pictures")),
            ("variants[2].price.amount", Some("v2-price")),
            ("variants[2].compare_at_price", Some("v2-before")),
            ("variants[0].options", Some("o0-values")),
            ("variants[0].options[1].name", Some("o1-name")),
            ("variants[0].options[1].value", Some("o1-values")),
            ("variants", None),
            ("something", None),
        ] {
            assert_eq!(field_of(path).as_deref(), field, "{path}");
        }
    }
}
