//! WooCommerce's columns. Their names are in the language of whoever exported.

use crate::import::columns::Columns;

/// Grams in a kilogram, a pound and an ounce, times 1,000,000.
const UNITS: [(&str, u64); 8] = [
    ("kg", 1_000_000_000),
    ("kilo", 1_000_000_000),
    ("lbs", 453_592_370),
    ("lb", 453_592_370),
    ("oz", 28_349_523),
    ("once", 28_349_523),
    ("unzen", 28_349_523),
    ("g", 1_000_000),
];

/// Where the columns stand that are understood.
#[derive(Debug, Clone, Default)]
pub(super) struct At {
    pub id: Option<usize>,
    pub kind: Option<usize>,
    pub sku: Option<usize>,
    pub barcode: Option<usize>,
    pub name: Option<usize>,
    pub slug: Option<usize>,
    pub published: Option<usize>,
    pub visibility: Option<usize>,
    pub short: Option<usize>,
    pub description: Option<usize>,
    pub sale_from: Option<usize>,
    pub sale_to: Option<usize>,
    pub tax_status: Option<usize>,
    pub in_stock: Option<usize>,
    pub stock: Option<usize>,
    pub backorders: Option<usize>,
    pub weight: Option<usize>,
    /// Millionths of a gram in one unit of the weight.
    pub weight_unit: u64,
    pub sale_price: Option<usize>,
    pub regular_price: Option<usize>,
    pub categories: Option<usize>,
    pub tags: Option<usize>,
    pub images: Option<usize>,
    pub parent: Option<usize>,
    pub external_url: Option<usize>,
    pub position: Option<usize>,
    pub brands: Option<usize>,
    /// Names and values of attributes, in the order of their numbers.
    pub attributes: Vec<(usize, usize)>,
}

impl At {
    /// The columns by their English, German, French, Spanish, Italian and Dutch names, if these
    /// are WooCommerce's.
    pub fn find(columns: &Columns) -> Option<Self> {
        let (weight, weight_unit) = weight(columns);
        let at = Self {
            id: columns.find(&["ID"]),
            kind: columns.find(&["Type", "Typ", "Tipo"]),
            sku: columns.find(&["SKU", "Artikelnummer", "UGS", "Artikelnummer (SKU)", "COD"]),
            barcode: columns.find(&[
                "GTIN, UPC, EAN, or ISBN",
                "GTIN, UPC, EAN oder ISBN",
                "GTIN, UPC, EAN ou ISBN",
                "GTIN, UPC, EAN o ISBN",
                "GTIN, UPC, EAN of ISBN",
            ]),
            name: columns.find(&["Name", "Nom", "Nombre", "Nome", "Naam"]),
            slug: columns.find(&["Slug"]),
            published: columns.find(&[
                "Published",
                "Veröffentlicht",
                "Publié",
                "Publicado",
                "Pubblicato",
                "Gepubliceerd",
            ]),
            visibility: columns.find(&[
                "Visibility in catalog",
                "Sichtbarkeit im Katalog",
                "Visibilité dans le catalogue",
                "Visibilidad en el catálogo",
                "Visibilità nel catalogo",
                "Zichtbaarheid in catalogus",
            ]),
            short: columns.find(&[
                "Short description",
                "Kurzbeschreibung",
                "Description courte",
                "Descripción corta",
                "Breve descrizione",
                "Korte beschrijving",
            ]),
            description: columns.find(&[
                "Description",
                "Beschreibung",
                "Descripción",
                "Descrizione",
                "Beschrijving",
            ]),
            sale_from: columns.find(&[
                "Date sale price starts",
                "Datum, an dem Angebotspreis beginnt",
                "Date de début de promo",
                "Día en que empieza el precio rebajado",
            ]),
            sale_to: columns.find(&[
                "Date sale price ends",
                "Datum, an dem Angebotspreis endet",
                "Date de fin de promo",
                "Día en que termina el precio rebajado",
            ]),
            tax_status: columns.find(&[
                "Tax status",
                "Steuerstatus",
                "État de la TVA",
                "Estado del impuesto",
            ]),
            in_stock: columns.find(&[
                "In stock?",
                "Vorrätig?",
                "Auf Lager?",
                "En stock ?",
                "En stock ?",
                "¿Existencias?",
                "¿En inventario?",
                "In stock?",
                "Op voorraad?",
            ]),
            stock: columns.find(&[
                "Stock",
                "Lager",
                "Bestand",
                "Lagerbestand",
                "Inventario",
                "Magazzino",
                "Voorraad",
            ]),
            backorders: columns.find(&[
                "Backorders allowed?",
                "Lieferrückstande erlaubt?",
                "Lieferrückstände erlaubt?",
                "Rückstände erlaubt?",
                "Autoriser les commandes de produits en rupture ?",
                "¿Permitir reservas de productos agotados?",
            ]),
            weight,
            weight_unit,
            sale_price: columns.find(&[
                "Sale price",
                "Angebotspreis",
                "Tarif promo",
                "Prix promo",
                "Precio rebajado",
                "Prezzo in offerta",
                "Actieprijs",
            ]),
            regular_price: columns.find(&[
                "Regular price",
                "Regulärer Preis",
                "Tarif régulier",
                "Prix régulier",
                "Precio normal",
                "Normaler Preis",
                "Prezzo di listino",
                "Reguliere prijs",
            ]),
            categories: columns.find(&[
                "Categories",
                "Kategorien",
                "Catégories",
                "Categorías",
                "Categorie",
                "Categorieën",
            ]),
            tags: columns.find(&["Tags", "Schlagwörter", "Étiquettes", "Etiquetas", "Tag"]),
            images: columns.find(&["Images", "Bilder", "Imágenes", "Immagini", "Afbeeldingen"]),
            parent: columns.find(&[
                "Parent",
                "Übergeordnetes Produkt",
                "Parent SKU",
                "Principal",
                "Genitore",
                "Hoofd",
            ]),
            external_url: columns.find(&[
                "External URL",
                "Externe URL",
                "URL externe",
                "URL externa",
                "URL esterno",
            ]),
            position: columns.find(&["Position", "Posición", "Posizione", "Positie"]),
            brands: columns.find(&["Brands", "Marken", "Marques", "Marcas", "Brand", "Marke"]),
            attributes: attributes(columns),
        };
        let says_what = at.kind.or(at.published).or(at.in_stock).or(at.sku);
        let is_woocommerce = at.name.is_some() && at.regular_price.is_some() && says_what.is_some();
        is_woocommerce.then_some(at)
    }

    /// The columns that are read.
    pub fn read(&self) -> Vec<usize> {
        let single = [
            self.id,
            self.kind,
            self.sku,
            self.barcode,
            self.name,
            self.slug,
            self.published,
            self.visibility,
            self.short,
            self.description,
            self.sale_from,
            self.sale_to,
            self.tax_status,
            self.in_stock,
            self.stock,
            self.backorders,
            self.weight,
            self.sale_price,
            self.regular_price,
            self.categories,
            self.tags,
            self.images,
            self.parent,
            self.external_url,
            self.position,
            self.brands,
        ];
        let attributes = self
            .attributes
            .iter()
            .flat_map(|(name, value)| [*name, *value]);
        single.into_iter().flatten().chain(attributes).collect()
    }
}

/// The weight's column and unit: the unit stands in the column's name, as `Weight (kg)`.
fn weight(columns: &Columns) -> (Option<usize>, u64) {
    for (index, name) in columns.names().iter().enumerate() {
        let name = name.to_lowercase();
        let Some((what, unit)) = name.split_once('(') else {
            continue;
        };
        if !["weight", "gewicht", "poids", "peso"].contains(&what.trim()) {
            continue;
        }
        let unit = unit.trim_end_matches(')').trim();
        if let Some((_, grams)) = UNITS.iter().find(|(known, _)| *known == unit) {
            return (Some(index), *grams);
        }
    }
    (None, 0)
}

/// `Attribute 1 name` and `Attribute 1 value(s)`, in whichever language and order.
fn attributes(columns: &Columns) -> Vec<(usize, usize)> {
    let mut names: Vec<(u32, usize)> = Vec::new();
    let mut values: Vec<(u32, usize)> = Vec::new();
    for (index, name) in columns.names().iter().enumerate() {
        let name = name.to_lowercase();
        let Some(number) = number_in(&name) else {
            continue;
        };
        if !["attribut", "atributo", "kenmerk", "eigenschap"]
            .iter()
            .any(|word| name.contains(word))
        {
            continue;
        }
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["value", "wert", "valeur", "valor", "waarde"]) {
            values.push((number, index));
        } else if has(&["name", "nom", "naam"]) {
            names.push((number, index));
        }
    }
    names.sort_unstable();
    let of = |number: u32| values.iter().find(|(other, _)| *other == number);
    names
        .into_iter()
        .filter_map(|(number, name)| Some((name, of(number)?.1)))
        .collect()
}

fn number_in(text: &str) -> Option<u32> {
    let digits: String = text
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(header: &str) -> Option<At> {
        let names: Vec<String> = header.split(';').map(str::to_owned).collect();
        At::find(&Columns::new(&names))
    }

    #[test]
    fn headers_are_known_in_several_languages() {
        for header in [
            "ID;Type;SKU;Name;Published;In stock?;Stock;Weight (kg);Regular price;Parent;Attribute 1 name;Attribute 1 value(s);Attribute 1 visible;Attribute 1 global;Attribute 1 default",
            "ID;Typ;Artikelnummer;Name;Veröffentlicht;Vorrätig?;Lager;Gewicht (kg);Regulärer Preis;Übergeordnetes Produkt;Attribut 1 Name;Attribut 1 Wert(e);Attribut 1 Sichtbar;Attribut 1 Global;Attribut 1 Standard",
            "ID;Type;UGS;Nom;Publié;En stock ?;Stock;Poids (kg);Tarif régulier;Parent;Nom de l’attribut 1;Valeur(s) de l’attribut 1 ;Attribut 1 visible;Attribut 1 global;Attribut 1 par défaut",
            "ID;Tipo;SKU;Nombre;Publicado;¿Existencias?;Inventario;Peso (kg);Precio normal;Principal;Nombre del atributo 1;Valor(es) del atributo 1;Atributo visible 1;Atributo global 1;Atributo por defecto 1",
        ] {
            let at = at(header).unwrap();
            let places = [
                at.id,
                at.kind,
                at.sku,
                at.name,
                at.published,
                at.in_stock,
                at.stock,
                at.weight,
                at.regular_price,
                at.parent,
            ];
            assert_eq!(places, std::array::from_fn(Some), "{header}");
            assert_eq!(
                (at.attributes, at.weight_unit),
                (vec![(10, 11)], 1_000_000_000)
            );
        }
        assert!(at("Handle;Title;Variant Price").is_none());
        assert!(at("Name;Price").is_none());
    }
}
