/* sample-recipe.h - the model and settings common to all pictures of a folder. The folder holds
 * them as a text, recipe.txt, so that workers with others are refused. */
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
    char digest[17]; /* of the complete text: marks the pictures */
} Recipe;

static inline uint64_t recipe_pictures(const Recipe *recipe)
{
    return (uint64_t)recipe->classes * recipe->per_class;
}

/* Writes the text for this model and these settings (with the seed), except its last line.
 * `classes` and `per_class` are set already. */
void recipe_describe(Recipe *recipe, const CodesrcModelInfo *info, const CodesrcRequest *request);

/* True if the folder has no recipe yet, or one that has every line of this one. Otherwise false
 * with a message on stderr that names the first line that differs. */
bool recipe_agrees(const Recipe *recipe, const char *folder);

/* Adds the last line, the SHA-256 of the RGB pixels of picture 0, which reveals other weights and
 * processors that round differently; then writes the recipe to the folder, unless another worker
 * was faster, and compares. */
bool recipe_settle(Recipe *recipe, const char *folder, const uint8_t *pixels);

/* Reads the recipe of a folder. False with a message on stderr. */
bool recipe_load(Recipe *recipe, const char *folder);

/* The path of a picture, of up to `size` bytes. */
void recipe_path(char *path, size_t size, const char *folder, uint64_t index);

/* The text that picture `index` of this recipe carries, of up to `size` bytes. */
void recipe_mark(char *mark, size_t size, const Recipe *recipe, uint64_t index);

#endif
