/* sample-recipe.h - what all pictures of a folder have in common. The folder carries it as a text,
 * recipe.txt, so that workers with another model or other settings are refused. */
#ifndef CODE_TOOLS_SAMPLE_RECIPE_H
#define CODE_TOOLS_SAMPLE_RECIPE_H

#include <codesrc.h>

#include <stdbool.h>
#include <stdint.h>

#define RECIPE_FILE "recipe.txt"

enum { RECIPE_MOST_PICTURES = 10000000 };

typedef struct Recipe {
    unsigned classes,
        per_class;   /* picture i shows class i / per_class, and is frame i of the seed */
    unsigned side;   /* of a picture, pixels */
    char text[4096]; /* a setting a line */
    char digest[17]; /* of the whole text, once it is known: marks the pictures */
} Recipe;

static inline uint64_t recipe_pictures(const Recipe *recipe)
{
    return (uint64_t)recipe->classes * recipe->per_class;
}

/* Writes the text for this model and these settings (with the seed), all but its last line.
 * `classes` and `per_class` are set already. */
void recipe_describe(Recipe *recipe, const CodesrcModelInfo *info, const CodesrcRequest *request);

/* True if the folder has no recipe yet, or one that has every line of this one. Otherwise false
 * with a message on stderr that names the first line that differs. */
bool recipe_agrees(const Recipe *recipe, const char *folder);

/* Adds the last line, the SHA-256 of the RGB pixels of picture 0, by which other weights and
 * processors that round otherwise are noticed; then writes the recipe into the folder unless
 * another worker was faster, and compares. */
bool recipe_settle(Recipe *recipe, const char *folder, const uint8_t *pixels);

/* Reads the recipe of a folder. False with a message on stderr. */
bool recipe_load(Recipe *recipe, const char *folder);

/* The path of a picture, of up to `size` bytes. */
void recipe_path(char *path, size_t size, const char *folder, uint64_t index);

/* The text that picture `index` of this recipe carries, of up to `size` bytes. */
void recipe_mark(char *mark, size_t size, const Recipe *recipe, uint64_t index);

#endif
