"""Names of people from many cultures, as staff type them: accents, apostrophes, hyphens, particles. No real persons.

Given and family names are put together at random; the weight is the culture's share in a hundred people.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Culture:
    weight: int
    given: tuple[str, ...]
    family: tuple[str, ...]


def _culture(weight: int, given: str, family: str) -> Culture:
    return Culture(weight, tuple(given.split(", ")), tuple(family.split(", ")))


CULTURES = (
    _culture(
        34,
        "Emma, Olivia, Ava, Grace, Hannah, Madison, Abigail, Chloe, Mary Ann, Anna-Grace, Lily, Natalie, Zoe, "
        "Samantha, Ashley, Brittany, Kayla, Megan, Rachel, Sarah Beth, Liam, Noah, Ethan, Mason, Logan, Lucas, "
        "Jackson, Aiden, Caleb, Owen, Wyatt, Henry, Jack, Benjamin, Tyler, Brandon, Cody, Austin, Jean-Luke, J.T., "
        "Walter, Dorothy, Harold, Judith, Ronald, Barbara, Dustin, Paige, Brooke, Trevor",
        "Smith, Johnson, Williams, Brown, Miller, Davis, Wilson, Anderson, Taylor, Thomas, Moore, Martin, Thompson, "
        "White, Harris, Clark, Lewis, Robinson, Walker, Young, Allen, King, Wright, Scott, Hill, Green, Adams, Baker, "
        "Nelson, Carter, Mitchell, Roberts, Turner, Phillips, Campbell, Parker, Evans, Edwards, Collins, Stewart, "
        "Morris, Rogers, Reed, Cook, Bell, Cooper, Richardson, Ward, Peterson, Gray, Hughes, Foster, Bennett, "
        "St. Clair, Fitzgerald, Whitfield, Ashworth, Blackwood, Holloway, Van Horn",
    ),
    _culture(
        8,
        "DeShawn, Aaliyah, Imani, Tyrone, Jamal, Keisha, Latoya, Malik, Nia, Darius, Ebony, Terrence, Jada, Isaiah, "
        "Xavier, Monique, Andre, Tanisha, Marcus, La'Keisha, D'Andre, Ja'Marcus, Precious, Quincy, Shanice, Zaire",
        "Washington, Jefferson, Booker, Banks, Jackson, Freeman, Gaines, Dixon, Coleman, Boyd, Mosley, Bolden, "
        "Hairston, Pettiford, Broadnax, Tolliver, Whitaker, Gadsden, Batiste, DuBois, Baptiste, LeBlanc",
    ),
    _culture(
        17,
        "María, José, Sofía, Valentina, Camila, Lucía, Ximena, Guadalupe, Alejandra, Daniela, Mariana, Itzel, "
        "José Luis, María Fernanda, Ana Sofía, Juan Carlos, Diego, Mateo, Santiago, Sebastián, Ángel, Andrés, Jesús, "
        "Óscar, Iván, Héctor, Ramón, Raúl, Tomás, Nicolás, Inés, Belén, Rocío, Concepción, Joaquín, Álvaro",
        "García, Rodríguez, Martínez, Hernández, López, González, Pérez, Sánchez, Ramírez, Torres, Flores, Rivera, "
        "Gómez, Díaz, Cruz, Morales, Reyes, Gutiérrez, Ortiz, Núñez, Muñoz, Peña, Ibáñez, Vásquez, Jiménez, "
        "de la Cruz, De León, del Río, de los Santos, García Salas, Ruiz-Castillo, Ordóñez, Zúñiga, Ávila, Ureña",
    ),
    _culture(
        5,
        "Seán, Siobhán, Aoife, Niamh, Ciarán, Róisín, Pádraig, Eoin, Caoimhe, Fionnuala, Máire, Declan, Brigid, "
        "Conor, Maeve, Brendan, Kathleen, Finbar, Gráinne, Oisín",
        "O'Brien, O'Connor, O'Sullivan, O'Neill, O'Malley, Ó Súilleabháin, Murphy, Kelly, Byrne, Doyle, McCarthy, "
        "MacDonald, McLaughlin, Fitzpatrick, Ní Dhomhnaill, O'Donoghue, Gallagher, Mac Giolla Phádraig",
    ),
    _culture(
        5,
        "Giulia, Matteo, Alessandro, Francesca, Niccolò, Chiara, Lorenzo, Pierluigi, Ilaria, Donatella, François, "
        "Hélène, Chloé, Zoë, Jérôme, Anaïs, Benoît, Maëlle, Jean-Pierre, Marie-Claire, Noël, Gaël, Thérèse, Cécile",
        "Rossi, D'Angelo, De Luca, Di Stefano, Dell'Acqua, Esposito, Bianchi, Lo Presti, Cattanèo, D'Amico, Lefèvre, "
        "Béchard, de la Fontaine, L'Heureux, Dupré, Saint-Pierre, Côté, Gagné, Le Goff, d'Aubigné, Rénier, Bélanger",
    ),
    _culture(
        5,
        "Jürgen, Anneliese, Björn, Sören, Åsa, Øyvind, Käthe, Günther, Lars, Ingrid, Mårten, Søren, Freja, Łukasz, "
        "Małgorzata, Zofia, Wojciech, Tomáš, Jiří, Zdeněk, Katarzyna, Ondřej, Ieva, Jānis, Willem, Anouk, Pieter",
        "Müller, Schröder, Groß, Weiß, von Bergen, van der Berg, van den Heuvel, de Vries, Lindström, Åkesson, "
        "Sørensen, Østergård, Nowak, Wiśniewski, Kowalczyk, Dvořák, Novák, Němcová, Szabó, Horváth, Kovács, Bērziņš, "
        "Jurevičius, ter Braak, Müller-Lindner, zu Falkenau",
    ),
    _culture(
        4,
        "Oleksandr, Natalia, Dmitri, Svetlana, Ekaterina, Yuri, Anastasia, Vladimir, Olga, Bohdan, Solomiya, Goran, "
        "Željko, Dragana, Nikola, Milica, Ana-Maria, Ștefan, Ioana, Răzvan, Elena, Giorgos, Eleni, Kostas",
        "Kovalenko, Shevchuk, Ivanova, Petrov, Sokolov, Bondarenko, Popović, Đorđević, Jovanović, Kovačević, Novák, "
        "Ionescu, Popescu, Țurcanu, Papadopoulos, Stavropoulou, Karagiannis, Marinov, Hristova, Krasniqi",
    ),
    _culture(
        6,
        "Wei, Xiaoming, Mei-Ling, Jia Hui, Yifan, Zihan, Haoran, Xin Yi, Chun-Hua, Ming-Che, Minh, Thảo, Ngọc, Hương, "
        "Đức, Phương Anh, Quốc Bảo, Thị Mai, Yuki, Haruto, Sakura, Kenji, Ji-woo, Seo-yeon, Min-jun, Hye-jin, Soo Ah",
        "Wang, Li, Zhang, Chen, Liu, Huang, Ng, Wu, Lin, Xu, Ou-Yang, Nguyễn, Trần, Lê, Phạm, Đặng, Bùi, Tanaka, "
        "Sato, Yamamoto, Ōta, Kim, Park, Lee, Choi, Jung, Bae, O, Eu, Im",
    ),
    _culture(
        6,
        "Aarav, Priya, Ananya, Rohan, Ishaan, Diya, Kavya, Arjun, Lakshmi, Venkata Sai, Harpreet, Gurpreet, Simran, "
        "Fatima, Ayesha, Muhammad Ali, Zainab, Bilal, Tharindu, Nimesha, Sujata, Raj, Meera, Deepak, Anjali",
        "Patel, Sharma, Singh, Kaur, Kumar, Gupta, Reddy, Iyer, Nair, Chatterjee, Mukhopadhyay, Krishnamurthy, "
        "Venkataraman, Khan, Ahmed, Hussain, Rahman, Chowdhury, Perera, Jayawardena, D'Souza, Fernandes, Rao, Das",
    ),
    _culture(
        4,
        "Omar, Layla, Youssef, Amira, Khalid, Noor, Abd al-Rahman, Hassan, Mariam, Tariq, Salma, Ibrahim, Rania, "
        "Leïla, Reza, Shirin, Dariush, Parisa, Yusuf, Ayşe, Emre, Gülşen, Çağla, İpek, Noam, Shira, Yael, Eitan",
        "al-Masri, Al-Hashimi, el-Sayed, Haddad, Khoury, Bin Rashid, Abu-Zayd, Nasser, Mansour, Ben Youssef, Hosseini, "
        "Farahani, Yılmaz, Öztürk, Şahin, Çelik, Ben-David, Cohen, Levy, Bar-Lev, Shapiro, Katz",
    ),
    _culture(
        4,
        "Adaeze, Chukwuemeka, Oluwaseun, Folasade, Ngozi, Ifeanyi, Kwame, Akosua, Kofi, Abena, Tendai, Rutendo, "
        "Thabo, Nomvula, Abebe, Tigist, Selam, Mekonnen, Amadou, Fatoumata, Aïssatou, Wanjiru, Kipchoge, Makena",
        "Okafor, Adeyemi, Eze, Ogunleye, Nwosu, Okonkwo, Mensah, Owusu, Boateng, Asante, Moyo, Ncube, Dlamini, "
        "Nkosi, Tesfaye, Bekele, Haile, Diallo, N'Diaye, Traoré, Ba, Mwangi, Otieno, Kamau, N'Guessan",
    ),
    _culture(
        2,
        "Keoni, Leilani, Kaimana, Malia, Nāhele, Sione, Mele, Talia, Ata, Chayton, Winona, Dakota, Aiyana, Kai, "
        "Bituin, Jomar, Maria Corazon, Crisanto, Aroha, Tāne, João, Conceição, Thaís, Antônio, Luís, Inês",
        "Kealoha, Kaʻanāʻanā, Kāne, Fifita, Tuʻipulotu, Taufa, Begay, Yazzie, Tsosie, Running Bear, dela Cruz, "
        "Macaraeg, Bautista, Parata, Ngata, da Silva, dos Santos, Gonçalves, Magalhães, Simões, de Sá e Melo",
    ),
)
