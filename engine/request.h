/* request.h - what a caller may ask for. */
#ifndef CODE_ENGINE_REQUEST_H
#define CODE_ENGINE_REQUEST_H

#include "state.h"

/* Images of a run. */
bool code_request_batch(unsigned batch, CodesrcError *error);

/* The requests and pictures of a call, against the generator's model and room. */
bool code_request_call(const CodesrcGenerator *generator, const CodesrcRequest *requests,
                       unsigned count, const CodesrcPicture *pictures, CodesrcError *error);

/* One picture: it has data, and the rows fit. */
bool code_request_picture(const CodesrcGenerator *generator, const CodesrcPicture *picture,
                          CodesrcError *error);

/* No observer looks at a picture that is not done. */
bool code_request_unobserved(const CodesrcGenerator *generator, CodesrcError *error);

/* The same, and nothing is under way whose buffers a call could overwrite. */
bool code_request_idle(const CodesrcGenerator *generator, CodesrcError *error);

#endif
